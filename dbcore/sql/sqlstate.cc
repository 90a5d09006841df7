#include "dbcore/sql/sqlstate.h"

#include <array>

namespace lockkeeper::sql {
namespace {

using base::ErrorCode;

struct Rule {
  std::string_view prefix;  // a class of two characters, or more of the state
  ErrorCode code;
};

// The first prefix that fits decides; what no line names is our bug.
constexpr std::array<Rule, 26> rules{{
    {"55P03", ErrorCode::unavailable},   // lock_timeout
    {"55006", ErrorCode::unavailable},   // object in use by another session's statement
    {"55000", ErrorCode::precondition},  // object not in the state that the statement needs
    {"57P", ErrorCode::unavailable},     // shutdown, crash, starting up, database dropped
    {"08", ErrorCode::unavailable},      // connection
    {"53", ErrorCode::unavailable},      // out of connections, memory, disk
    {"25006", ErrorCode::unavailable},   // read only: a standby, until a primary answers
    {"25P03", ErrorCode::unavailable},   // idle_in_transaction_session_timeout
    {"40001", ErrorCode::conflict},      // serialization failure
    {"40P01", ErrorCode::conflict},      // deadlock
    {"42501", ErrorCode::precondition},  // somebody must GRANT
    {"21", ErrorCode::precondition},     // cardinality: rows decide
    {"22", ErrorCode::precondition},     // data exception
    {"23", ErrorCode::precondition},     // constraint violation
    {"44", ErrorCode::precondition},     // WITH CHECK OPTION
    {"P0", ErrorCode::precondition},     // RAISE in a trigger or function of the user's
    {"28", ErrorCode::precondition},     // authentication
    {"3D", ErrorCode::precondition},     // no such database
    {"3F", ErrorCode::precondition},     // no such schema
    {"0A", ErrorCode::invalid},          // feature not supported
    {"2B", ErrorCode::invalid},          // dependent objects exist
    {"42", ErrorCode::invalid},          // syntax, unknown or duplicate names, wrong types
    {"54", ErrorCode::invalid},          // program limit
    {"2F", ErrorCode::precondition},     // SQL routine
    {"38", ErrorCode::precondition},     // external routine
    {"39", ErrorCode::precondition},     // external routine invocation
}};

}  // namespace

base::ErrorCode classify(std::string_view sqlstate, bool cancelled_by_us) {
  if (sqlstate == sqlstate::query_canceled) {
    return cancelled_by_us ? ErrorCode::cancelled : ErrorCode::unavailable;
  }
  for (const Rule& rule : rules) {
    if (sqlstate.starts_with(rule.prefix)) return rule.code;
  }
  return ErrorCode::internal;
}

}  // namespace lockkeeper::sql
