#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "dbcore/sql/session_impl.h"

namespace lockkeeper::sql {
namespace {

using base::Error;
using base::Result;

constexpr std::chrono::seconds longest_connect{10};
constexpr int first_with_connection_check = 140000;

// Keywords that would let something but the Endpoint decide where we land or who we are.
constexpr std::array<std::string_view, 6> refused_keywords{
    "password", "passfile", "service", "servicefile", "options", "replication"};

Result<void> check_keywords(const Endpoint& endpoint) {
  for (const auto& entry : endpoint.parameters) {
    if (std::ranges::find(refused_keywords, entry.first) != refused_keywords.end()) {
      return base::invalid("connection parameter \"" + entry.first + "\" is not allowed")
          .with_reason("InvalidConnection");
    }
  }
  return {};
}

std::map<std::string, std::string> with_defaults(const Endpoint& endpoint,
                                                 const SessionSettings& settings) {
  std::map<std::string, std::string> all = endpoint.parameters;
  if (!endpoint.password.empty()) all["password"] = endpoint.password;
  all["client_encoding"] = "UTF8";
  all["application_name"] = settings.application_name;
  // A dead peer is noticed after 10 + 3 * 5 s, while waiting for an answer and while sending.
  const std::map<std::string, std::string> defaults{{"keepalives", "1"},
                                                    {"keepalives_idle", "10"},
                                                    {"keepalives_interval", "5"},
                                                    {"keepalives_count", "3"},
                                                    {"tcp_user_timeout", "25000"}};
  all.insert(defaults.begin(), defaults.end());
  return all;
}

Connection start(const std::map<std::string, std::string>& parameters) {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& entry : parameters) {
    keywords.push_back(entry.first.c_str());
    values.push_back(entry.second.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  return Connection(PQconnectStartParams(keywords.data(), values.data(), 0));
}

Error gave_up(const base::Context& ctx, Woken woken, const Endpoint& endpoint) {
  if (woken == Woken::stopped || ctx.stop().stop_requested()) {
    return base::cancelled("stopped while connecting");
  }
  return base::unavailable("connecting to " + endpoint.display() + " took too long")
      .with_reason("ServerUnavailable");
}

Result<void> poll_until_connected(const base::Context& ctx, PGconn* connection,
                                  const Endpoint& endpoint) {
  const StopSignal stop(ctx.stop());
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (status != PGRES_POLLING_OK) {
    const short events = status == PGRES_POLLING_WRITING ? POLLOUT : POLLIN;
    const Woken woken = wait_for(PQsocket(connection), events, stop.descriptor(), ctx.remaining());
    if (woken != Woken::socket) return gave_up(ctx, woken, endpoint);
    status = PQconnectPoll(connection);
    if (status == PGRES_POLLING_FAILED) return connect_failure(connection, endpoint.password);
  }
  return {};
}

void on_notice(void* log, const PGresult* notice) {
  const char* text = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
  const char* severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
  const bool warning = severity != nullptr && std::string_view(severity) == "WARNING";
  const auto& logger = *static_cast<const base::Logger*>(log);
  const std::string message = text != nullptr ? text : "";
  if (warning) {
    logger.warn("server says", {{"notice", message}});
  } else {
    logger.debug("server says", {{"notice", message}});
  }
}

std::string milliseconds(std::chrono::milliseconds value) {
  return std::to_string(value.count()) + "ms";
}

Error role_refused(Error error, const std::string& role) {
  if (error.sqlstate != "42501" && error.sqlstate != "22023") return error;
  error.code = base::ErrorCode::precondition;
  return std::move(error)
      .with_reason("RoleForbidden")
      .with_hint("GRANT the role \"" + role + "\" to the user that connects");
}

}  // namespace

std::string Endpoint::display() const {
  const auto get = [this](const char* key, const char* otherwise) {
    const auto found = parameters.find(key);
    return found == parameters.end() || found->second.empty() ? std::string(otherwise)
                                                              : found->second;
  };
  return get("user", "?") + "@" + get("host", "localhost") + ":" + get("port", "5432") + "/" +
         get("dbname", "?");
}

Result<Connection> open_connection(const base::Context& ctx, const Endpoint& endpoint,
                                   const SessionSettings& settings,
                                   std::optional<BackendKey>& key) {
  TRY_OK(check_keywords(endpoint));
  TRY_OK(ctx.check());
  Connection connection = start(with_defaults(endpoint, settings));
  if (!connection) return base::unavailable("out of memory for a connection");
  // Verbose, so that a refused connection carries its SQLSTATE: libpq has no other way to tell it.
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
  if (PQstatus(connection.get()) == CONNECTION_BAD) {
    return connect_failure(connection.get(), endpoint.password);
  }
  {
    BackendKeyListener listener(connection.get());
    TRY_OK(poll_until_connected(ctx, connection.get(), endpoint));
    key = listener.key();
  }
  PQsetErrorVerbosity(connection.get(), PQERRORS_DEFAULT);
  PQsetnonblocking(connection.get(), 1);
  return connection;
}

std::vector<Statement> settings_statements(const SessionSettings& settings, const std::string& role,
                                           int server_version_num) {
  // A role that was set before may not be allowed what follows.
  std::vector<Statement> all;
  all.emplace_back("RESET ALL");
  Statement who("SELECT pg_catalog.set_config('role', $1, false)");
  who.bind(std::string_view(role.empty() ? "none" : role));
  all.push_back(who);
  Statement what(
      "SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_advisory_unlock_all(), "
      "pg_catalog.set_config('row_security', 'off', false), "
      "pg_catalog.set_config('search_path', '', false), "
      "pg_catalog.set_config('application_name', $1, false), "
      "pg_catalog.set_config('lock_timeout', $2, false), "
      "pg_catalog.set_config('statement_timeout', $3, false), "
      "pg_catalog.set_config('idle_in_transaction_session_timeout', $4, false), "
      "pg_catalog.set_config('tcp_keepalives_idle', '10', false), "
      "pg_catalog.set_config('tcp_keepalives_interval', '5', false), "
      "pg_catalog.set_config('tcp_keepalives_count', '3', false), "
      "pg_catalog.set_config('default_transaction_isolation', 'read committed', false), "
      "CASE WHEN $5 THEN pg_catalog.set_config('client_connection_check_interval', '1s', false) "
      "END");
  what.bind(std::string_view(settings.application_name))
      .bind(std::string_view(milliseconds(settings.lock_timeout)))
      .bind(std::string_view(milliseconds(settings.statement_timeout)))
      .bind(std::string_view(milliseconds(settings.idle_in_transaction_timeout)))
      .bind(server_version_num >= first_with_connection_check);
  all.push_back(what);
  return all;
}

Result<Session> Session::connect_bare(const base::Context& ctx, const Endpoint& endpoint,
                                      const SessionSettings& settings) {
  auto impl = std::make_unique<Impl>();
  TRY(impl->connection, open_connection(ctx, endpoint, settings, impl->key));
  impl->log = ctx.log();
  impl->role = endpoint.role;
  impl->settings = settings;
  impl->version = PQserverVersion(impl->connection.get());
  PQsetNoticeReceiver(impl->connection.get(), on_notice, &impl->log);
  return Session(std::move(impl));
}

Result<Session> Session::connect(const base::Context& ctx, const Endpoint& endpoint,
                                 const SessionSettings& settings) {
  const base::Context bounded = ctx.with_timeout(longest_connect);
  TRY(Session session, connect_bare(bounded, endpoint, settings));
  TRY_OK(session.reset(bounded, settings));
  if (session.backend_pid() != PQbackendPID(session.impl_->connection.get())) {
    TRY_OK(PoolerProbe::refuse_shared_sessions(bounded, endpoint, settings, session));
  }
  return session;
}

Result<void> Session::reset(const base::Context& ctx, const SessionSettings& settings) {
  if (in_transaction()) return base::internal("session was left inside a transaction");
  impl_->settings = settings;
  const auto statements = settings_statements(settings, impl_->role, impl_->version);
  auto answers = pipeline(ctx, statements);
  if (!answers.ok()) return role_refused(std::move(answers).error(), impl_->role);
  const int pid = static_cast<int>(answers->back()[0].integer(0));
  if (impl_->pid != 0 && impl_->pid != pid) {
    close();
    return shared_session_error();
  }
  impl_->pid = pid;
  return {};
}

}  // namespace lockkeeper::sql
