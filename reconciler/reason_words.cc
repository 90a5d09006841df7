#include "reconciler/reason_words.h"

namespace lockkeeper::reconcile {
namespace {

using crds::Reason;

struct Row {
  std::string_view word;
  Reason reason;
};

// Words that are not reasons themselves, or that say something else below than on an object: a
// DatabaseNotFound of the server is a wrong dbname, not a missing Database.
constexpr Row rows[] = {
    {"CursorMoved", Reason::step_failed},
    {"DatabaseNotFound", Reason::invalid_connection},
    {"Deadlock", Reason::lock_blocked},
    {"DeadlineExceeded", Reason::statement_timeout},
    {"Draining", Reason::fenced},
    {"Forbidden", Reason::api_refused},
    {"ForceRowSecurity", Reason::forced_row_security},
    {"InRecovery", Reason::standby},
    {"Invalid", Reason::api_refused},
    {"LeaseLost", Reason::fenced},
    {"LedgerInUse", Reason::precheck_failed},
    {"LockTimeout", Reason::lock_blocked},
    {"NotOwner", Reason::role_forbidden},
    {"PatchTestFailed", Reason::api_refused},
    {"PoolClosed", Reason::database_not_ready},
    {"Precheck", Reason::precheck_failed},
    {"ReadOnlyServer", Reason::standby},
    {"RowMoved", Reason::row_fails},
    {"SchemaMoved", Reason::plan_changed},
    {"TLSFailed", Reason::tls_failed},
    {"Unauthorized", Reason::api_refused},
};

}  // namespace

std::optional<Reason> reason_of_word(std::string_view word) {
  for (const Row& row : rows) {
    if (row.word == word) return row.reason;
  }
  for (const Reason reason : crds::all_reasons()) {
    if (to_string(reason) == word) return reason;
  }
  return std::nullopt;
}

bool lasts(const base::Error& error) {
  return error.code == base::ErrorCode::precondition || error.code == base::ErrorCode::invalid;
}

}  // namespace lockkeeper::reconcile
