#include "dbcore/sql/session.h"

#include <poll.h>

#include <algorithm>
#include <cctype>

#include "dbcore/sql/session_impl.h"
#include "dbcore/sql/slow_log.h"

namespace lockkeeper::sql {
namespace {

using base::Error;
using base::Result;

// FNV-1a: the same statement has the same digest in every process and log.
std::string digest(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  return fmt::format("{:016x}", hash);
}

std::string verb(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) break;
    out += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return out;
}

bool holds_zero_byte(const Statement& statement) {
  const auto has = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  return has(statement.text()) ||
         std::ranges::any_of(statement.parameters(),
                             [&](const auto& value) { return value && has(*value); });
}

bool send_with_parameters(PGconn* connection, const Statement& statement) {
  std::vector<const char*> values;
  values.reserve(statement.parameters().size());
  for (const auto& value : statement.parameters()) {
    values.push_back(value ? value->c_str() : nullptr);
  }
  return PQsendQueryParams(connection, statement.text().c_str(), static_cast<int>(values.size()),
                           nullptr, values.data(), nullptr, nullptr, 0) == 1;
}

bool is_error(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

bool is_copy(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

Error copy_refused() {
  return base::invalid("COPY from or to the client is not possible here")
      .with_hint("use INSERT, or COPY on the server's own files");
}

// Results of one statement: the last one counts, the first error wins.
class Answer {
 public:
  void take(PGresult* result, Ending ending) {
    Rows rows(result);  // owns it from here on
    if (is_copy(result)) {
      copy_ = true;
      remember(copy_refused());
    } else if (is_error(result)) {
      remember(statement_failure(result, ending));
    } else {
      rows_ = std::move(rows);
    }
  }
  void remember(Error error) {
    if (!error_) error_ = std::move(error);
  }
  [[nodiscard]] bool copy() const { return copy_; }
  [[nodiscard]] bool failed() const { return error_.has_value(); }
  Result<Rows> finish() && {
    if (error_) return std::move(*error_);
    return std::move(rows_);
  }
  Error&& error() && { return std::move(*error_); }

 private:
  Rows rows_;
  std::optional<Error> error_;
  bool copy_ = false;
};

// Reads one statement's results up to the null that ends them.
Answer read_answer(Session::Impl& impl, Call& call) {
  Answer answer;
  for (;;) {
    auto result = impl.next(call);
    if (!result.ok()) {
      answer.remember(std::move(result).error());
      return answer;
    }
    if (*result == nullptr) return answer;
    answer.take(*result, call.ending());
    if (answer.copy()) return answer;
  }
}

Result<std::vector<Rows>> read_pipeline(Session::Impl& impl, Call& call, std::size_t count) {
  std::vector<Rows> all;
  Answer failure;
  for (std::size_t i = 0; i < count; ++i) {
    Answer answer = read_answer(impl, call);
    if (answer.copy() || impl.connection == nullptr) return std::move(answer).error();
    if (failure.failed()) continue;  // the rest is "aborted", which says nothing new
    auto rows = std::move(answer).finish();
    if (rows.ok()) {
      all.push_back(std::move(rows).value());
    } else {
      failure.remember(std::move(rows).error());
    }
  }
  auto sync = impl.next(call);  // PGRES_PIPELINE_SYNC
  if (!sync.ok())
    failure.remember(std::move(sync).error());
  else
    PQclear(*sync);
  if (failure.failed()) return std::move(failure).error();
  return all;
}

}  // namespace

Result<void> Session::Impl::ready(const base::Context& ctx) {
  if (!connection) {
    return base::unavailable("session is closed").with_reason("ServerUnavailable");
  }
  log = ctx.log();
  return ctx.check();
}

Error Session::Impl::lost() {
  Error error = connection_lost(connection.get());
  connection.reset();
  return error;
}

Result<void> Session::Impl::flush(Call& call) {
  for (;;) {
    const int left = PQflush(connection.get());
    if (left == 0) return {};
    if (left < 0) return {};  // the server's last words may be waiting: reading tells
    TRY_OK(call.wait(connection.get(), key, POLLIN | POLLOUT));
    if (PQconsumeInput(connection.get()) == 0) return lost();
  }
}

Result<PGresult*> Session::Impl::next(Call& call) {
  while (PQisBusy(connection.get()) != 0) {
    auto waited = call.wait(connection.get(), key, POLLIN);
    if (!waited.ok()) {
      connection.reset();
      return std::move(waited).error();
    }
    if (PQconsumeInput(connection.get()) == 0) return lost();
  }
  return PQgetResult(connection.get());
}

void Session::Impl::note(const Call& call, const std::string& text) {
  const auto took = call.elapsed();
  if (settings.log_queries) log.info("query", {{"sql", text}, {"ms", took.count()}});
  if (settings.slow_query.count() == 0 || took < settings.slow_query) return;
  ++slow;
  log.warn("slow query",
           {{"digest", digest(text)}, {"verb", verb(text)}, {"ms", took.count()}, {"pid", pid}});
  if (settings.slow_log == nullptr) return;
  const char* application = PQparameterStatus(connection.get(), "application_name");
  settings.slow_log->add({.at = call.ctx().clock().wall(),
                          .took = took,
                          .verb = verb(text),
                          .digest = digest(text),
                          .application = application == nullptr ? "" : application,
                          .pid = pid});
}

// After a call: a session that was cancelled may yet be hit by a late cancel, and one whose
// connection broke is of no use.
void Session::Impl::settle(const Call& call) {
  if (!connection) return;
  if (call.ending() != Ending::answered || PQstatus(connection.get()) != CONNECTION_OK) {
    connection.reset();
  }
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Rows> Session::execute(const base::Context& ctx, const Statement& statement) {
  TRY_OK(impl_->ready(ctx));
  if (holds_zero_byte(statement)) return base::invalid("statement contains a zero byte");
  Call call(ctx, impl_->cancel_patience);
  PGconn* connection = impl_->connection.get();
  const bool sent = statement.parameters().empty()
                        ? PQsendQuery(connection, statement.text().c_str()) == 1
                        : send_with_parameters(connection, statement);
  if (!sent) return impl_->lost();
  auto flushed = impl_->flush(call);
  if (!flushed.ok()) {
    impl_->connection.reset();
    return std::move(flushed).error();
  }
  Answer answer = read_answer(*impl_, call);
  if (answer.copy()) impl_->connection.reset();
  impl_->note(call, statement.text());
  impl_->settle(call);
  return std::move(answer).finish();
}

Result<std::vector<Rows>> Session::pipeline(const base::Context& ctx,
                                            std::span<const Statement> statements) {
  TRY_OK(impl_->ready(ctx));
  if (std::ranges::any_of(statements, holds_zero_byte)) {
    return base::invalid("statement contains a zero byte");
  }
  if (statements.empty()) return std::vector<Rows>{};
  Call call(ctx, impl_->cancel_patience);
  PGconn* connection = impl_->connection.get();
  bool sent = PQenterPipelineMode(connection) == 1;
  for (const Statement& statement : statements) {
    sent = sent && send_with_parameters(connection, statement);
  }
  if (!sent || PQpipelineSync(connection) != 1) return impl_->lost();
  auto flushed = impl_->flush(call);
  if (!flushed.ok()) {
    impl_->connection.reset();
    return std::move(flushed).error();
  }
  auto rows = read_pipeline(*impl_, call, statements.size());
  if (impl_->connection && PQexitPipelineMode(connection) != 1) impl_->connection.reset();
  impl_->note(call, statements.front().text());
  impl_->settle(call);
  return rows;
}

Result<bool> Session::ask(const base::Context& ctx, const Statement& statement) {
  TRY(const auto rows, execute(ctx, statement));
  return !rows.empty() && rows[0].boolean(0);
}

Result<void> Session::set_application_name(const base::Context& ctx, std::string_view name) {
  Statement statement("SELECT pg_catalog.set_config('application_name', $1, false)");
  statement.bind(name);
  TRY_OK(execute(ctx, statement));
  return {};
}

int Session::server_version_num() const {
  return impl_->version;
}

int Session::backend_pid() const {
  return impl_->pid;
}

std::string Session::parameter_status(const std::string& name) const {
  if (!impl_->connection) return {};
  const char* value = PQparameterStatus(impl_->connection.get(), name.c_str());
  return value != nullptr ? value : "";
}

bool Session::in_transaction() const {
  if (!impl_->connection) return false;
  const PGTransactionStatusType status = PQtransactionStatus(impl_->connection.get());
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

bool Session::in_failed_transaction() const {
  return impl_->connection && PQtransactionStatus(impl_->connection.get()) == PQTRANS_INERROR;
}

bool Session::broken() const {
  return !impl_ || !impl_->connection || PQstatus(impl_->connection.get()) != CONNECTION_OK;
}

std::int64_t Session::slow_queries() const {
  return impl_->slow;
}

void Session::count_slow_queries_anew() {
  impl_->slow = 0;
}

void Session::close() {
  impl_->connection.reset();
}

}  // namespace lockkeeper::sql
