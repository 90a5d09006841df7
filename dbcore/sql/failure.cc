#include "dbcore/sql/failure.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <string>

#include "dbcore/sql/sqlstate.h"

namespace lockkeeper::sql {
namespace {

using base::Error;
using base::ErrorCode;

std::string field(const pg_result* result, int code) {
  const char* value = PQresultErrorField(result, code);
  return value != nullptr ? value : "";
}

// One line without blanks at its ends.
std::string flat(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  while (!out.empty() && out.back() == ' ') out.pop_back();
  out.erase(0, out.find_first_not_of(' '));
  return out;
}

std::string reason_of(std::string_view sqlstate, Ending ending) {
  if (sqlstate == sqlstate::query_canceled) {
    if (ending == Ending::timed_out) return "DeadlineExceeded";
    return ending == Ending::stopped ? "" : "StatementTimeout";
  }
  if (sqlstate == sqlstate::lock_not_available) return "LockTimeout";
  if (sqlstate == sqlstate::deadlock_detected) return "Deadlock";
  if (sqlstate == "25006") return "ReadOnlyServer";
  if (sqlstate == "53100") return "DiskFull";
  if (sqlstate == "53300") return "TooManyConnections";
  if (sqlstate.starts_with("57P") || sqlstate.starts_with("08")) return "ServerUnavailable";
  return {};
}

std::string place(const pg_result* result) {
  const std::string context = field(result, PG_DIAG_CONTEXT);
  return context.empty() ? std::string() : "context: " + flat(context);
}

// libpq prints "FATAL:  28P01: ..." since the verbosity is set before the first byte is sent; with
// several hosts there are several, and the last one counts.
std::string last_sqlstate(std::string_view text) {
  constexpr std::string_view mark = ":  ";
  constexpr std::size_t length = 5;
  std::string found;
  for (std::size_t at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at)) {
    at += mark.size();
    const std::string_view state = text.substr(at, length);
    const bool upper = std::ranges::all_of(
        state, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
    if (upper && state.size() == length && text.substr(at + length, 2) == ": ") found = state;
  }
  return found;
}

// The part for people: states and the LOCATION lines of the verbose form left out.
std::string readable(std::string_view text, std::string_view sqlstate) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("LOCATION:") || line.empty()) continue;
    if (!out.empty()) out += "; ";
    out += flat(line);
  }
  if (sqlstate.empty()) return out;
  const std::string state = std::string(sqlstate) + ": ";
  for (std::size_t at = out.find(state); at != std::string::npos; at = out.find(state, at)) {
    out.erase(at, state.size());
  }
  return out;
}

std::string struck(std::string text, std::string_view secret) {
  constexpr std::size_t shortest = 4;  // a shorter one would strike half of every word
  if (secret.size() < shortest) return text;
  for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
    text.replace(at, secret.size(), "***");
  }
  return text;
}

bool mentions(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(
      words, [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

Error with_state(ErrorCode code, std::string message, std::string sqlstate, std::string reason) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  error.sqlstate = std::move(sqlstate);
  error.reason = std::move(reason);
  return error;
}

// What no server said: TLS, names, sockets.
Error client_side_failure(std::string message) {
  if (mentions(message, {"SSL", "certificate", "TLS"})) {
    return with_state(ErrorCode::precondition, std::move(message), "", "TLSFailed")
        .with_hint("compare tls.mode and the CA with what the server presents");
  }
  if (mentions(message, {"no password supplied", "authentication method", "channel binding",
                         "SCRAM", "GSSAPI"})) {
    return with_state(ErrorCode::precondition, std::move(message), "", "AuthenticationFailed")
        .with_hint("check user and password in the Secret");
  }
  if (mentions(message, {"invalid connection option", "invalid port", "invalid integer value",
                         "invalid sslmode", "could not match"})) {
    return with_state(ErrorCode::invalid, std::move(message), "", "InvalidConnection");
  }
  return with_state(ErrorCode::unavailable, std::move(message), "", "ServerUnavailable");
}

}  // namespace

Error statement_failure(const pg_result* result, Ending ending) {
  Error error;
  error.sqlstate = field(result, PG_DIAG_SQLSTATE);
  error.message = flat(field(result, PG_DIAG_MESSAGE_PRIMARY));
  if (error.message.empty()) error.message = flat(PQresultErrorMessage(result));
  error.detail = flat(field(result, PG_DIAG_MESSAGE_DETAIL));
  if (error.detail.empty()) error.detail = place(result);
  error.hint = flat(field(result, PG_DIAG_MESSAGE_HINT));
  // Without a state it was libpq that noticed: the connection is gone.
  error.code = error.sqlstate.empty() ? ErrorCode::unavailable
                                      : classify(error.sqlstate, ending == Ending::stopped);
  error.reason = error.sqlstate.empty() ? "ServerUnavailable" : reason_of(error.sqlstate, ending);
  return error;
}

Error connection_lost(const pg_conn* connection) {
  std::string message = flat(PQerrorMessage(connection));
  if (message.empty()) message = "connection to the server was lost";
  return with_state(ErrorCode::unavailable, std::move(message), "", "ServerUnavailable");
}

Error connect_failure(const pg_conn* connection, std::string_view password) {
  const std::string raw = PQerrorMessage(connection);
  const std::string state = last_sqlstate(raw);
  std::string message = struck(readable(raw, state), password);
  if (message.empty()) message = "cannot connect to the server";
  if (state.empty()) return client_side_failure(std::move(message));
  if (state.starts_with("28")) {
    return with_state(ErrorCode::precondition, std::move(message), state, "AuthenticationFailed")
        .with_hint("check user and password in the Secret, and the server's pg_hba.conf");
  }
  if (state.starts_with("3D")) {
    return with_state(ErrorCode::precondition, std::move(message), state, "DatabaseNotFound");
  }
  if (state == "42501") {
    return with_state(ErrorCode::precondition, std::move(message), state, "AuthenticationFailed")
        .with_hint("GRANT CONNECT ON DATABASE to the user");
  }
  std::string reason = reason_of(state, Ending::answered);
  return with_state(classify(state), std::move(message), state,
                    reason.empty() ? "ServerUnavailable" : std::move(reason));
}

}  // namespace lockkeeper::sql
