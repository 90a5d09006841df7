#include "tests/support/pg_connection.h"

#include <libpq-fe.h>

#include <optional>

namespace lockkeeper::support {
namespace {

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, Clear>;

void append_rows(const PGresult* result, std::string& out) {
  for (int row = 0; row < PQntuples(result); ++row) {
    if (!out.empty()) out += '\n';
    for (int field = 0; field < PQnfields(result); ++field) {
      if (field > 0) out += '|';
      out.append(PQgetvalue(result, row, field));
    }
  }
}

bool failed(const PGresult* result) {
  const auto status = PQresultStatus(result);
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

}  // namespace

void PgConnection::Close::operator()(pg_conn* connection) const {
  PQfinish(connection);
}

PgConnection::PgConnection(const std::string& uri) : connection_(PQconnectdb(uri.c_str())) {
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    throw PgError(PQerrorMessage(connection_.get()), "");
  }
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
}

void PgConnection::send(const std::string& sql) {
  if (PQsendQuery(connection_.get(), sql.c_str()) == 0) {
    throw PgError(PQerrorMessage(connection_.get()), "");
  }
}

std::string PgConnection::finish() {
  std::string out;
  std::optional<PgError> error;
  while (const ResultPtr result{PQgetResult(connection_.get())}) {
    if (!failed(result.get())) {
      append_rows(result.get(), out);
    } else if (!error) {
      const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
      error.emplace(PQresultErrorMessage(result.get()), state == nullptr ? "" : state);
    }
  }
  if (error) throw PgError(*error);
  return out;
}

std::string PgConnection::exec(const std::string& sql) {
  send(sql);
  return finish();
}

bool PgConnection::answered() {
  PQconsumeInput(connection_.get());
  return PQisBusy(connection_.get()) == 0;
}

void PgConnection::cancel() {
  const std::unique_ptr<PGcancel, void (*)(PGcancel*)> handle(PQgetCancel(connection_.get()),
                                                              PQfreeCancel);
  char message[256];
  PQcancel(handle.get(), message, sizeof message);
}

int PgConnection::backend_pid() const {
  return PQbackendPID(connection_.get());
}

}  // namespace lockkeeper::support
