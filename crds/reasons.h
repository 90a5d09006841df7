// The closed list of reasons: what a condition or an Event may give as its machine-readable word.
// A new one is one line here; nothing else makes one up.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace lockkeeper::crds {

// X(enumerator, word, what it means to the person who reads it)
#define LK_REASONS(X)                                                                            \
  /* both kinds */                                                                               \
  X(reconciling, "Reconciling", "work is going on")                                              \
  X(healthy, "Healthy", "nothing stands in the way")                                             \
  X(suspended, "Suspended", "spec.suspend holds it")                                             \
  X(invalid_spec, "InvalidSpec", "the object cannot be read; the message has the path")          \
  X(namespace_not_opened, "NamespaceNotOpened", "no RoleBinding lets us work in this namespace") \
  X(deleting, "Deleting", "the object is being deleted")                                         \
  X(internal_error, "InternalError", "a defect of Lockkeeper")                                   \
  /* Database */                                                                                 \
  X(connected, "Connected", "the database answers and all that is needed is allowed")            \
  X(limited_visibility, "LimitedVisibility", "works, but without pg_monitor some is hidden")     \
  X(secret_not_found, "SecretNotFound", "the Secret does not exist or lacks a key")              \
  X(invalid_connection, "InvalidConnection", "the Secret's connection cannot be used")           \
  X(server_unavailable, "ServerUnavailable", "the server does not answer")                       \
  X(authentication_failed, "AuthenticationFailed", "the server refuses user or password")        \
  X(tls_failed, "TlsFailed", "no TLS connection as tls.mode wants it")                           \
  X(superuser_refused, "SuperuserRefused", "the role is a superuser and that is not allowed")    \
  X(role_forbidden, "RoleForbidden", "SET ROLE to spec.role is not allowed")                     \
  X(server_too_old, "ServerTooOld", "older than PostgreSQL 13")                                  \
  X(standby, "Standby", "the server is a standby")                                               \
  X(pooler_in_between, "PoolerInBetween", "a pooler in transaction mode stands in between")      \
  X(ledger_forbidden, "LedgerForbidden", "the ledger cannot be made")                            \
  X(ledger_too_new, "LedgerTooNew", "a newer Lockkeeper has made this ledger")                   \
  X(forced_row_security, "ForcedRowSecurity", "row security would hide rows from us")            \
  X(pool_exhausted, "PoolExhausted", "no session came free in time")                             \
  X(too_many_connections, "TooManyConnections", "the server has no connection left for us")      \
  X(disk_full, "DiskFull", "the server's disk is full")                                          \
  X(api_refused, "ApiRefused", "the API server refuses a request of ours")                       \
  X(slow_statement, "SlowStatement", "a statement of ours took longer than 5 s")                 \
  X(in_use, "InUse", "Migrations that are not terminal refer to it")                             \
  /* Migration: planning and the queue */                                                        \
  X(database_not_ready, "DatabaseNotReady", "its Database is not Ready")                         \
  X(database_not_found, "DatabaseNotFound", "there is no such Database")                         \
  X(waiting_for_required, "WaitingForRequired", "a required Migration is not Completed")         \
  X(waiting_in_queue, "WaitingInQueue", "another Migration on the same tables is first")         \
  X(requires_cycle, "RequiresCycle", "the required Migrations require each other")               \
  X(table_claimed, "TableClaimed", "another Migration holds a table")                            \
  X(planned, "Planned", "the plan is made")                                                      \
  X(plan_changed, "PlanChanged", "the schema moved before the first DDL: a new plan")            \
  X(invalid_plan, "InvalidPlan", "the operations cannot be done; the message has the path")      \
  X(no_such_schema, "NoSuchSchema", "the target schema does not exist")                          \
  X(newer_plan, "NewerPlan", "a newer Lockkeeper has made this plan")                            \
  X(name_reused, "NameReused", "the ledger has other operations under this name")                \
  X(spec_changed, "SpecChanged", "an immutable field changed after the plan was frozen")         \
  X(adopted, "Adopted", "the ledger says that it was done before")                               \
  X(awaiting_approval, "AwaitingApproval", "the plan needs spec.approval.planHash")              \
  X(approved, "Approved", "this plan was approved")                                              \
  X(approval_not_needed, "ApprovalNotNeeded", "nothing in the plan needs approval")              \
  X(approval_ignored, "ApprovalIgnored", "approval changed after the plan was frozen")           \
  /* Migration: the way forward */                                                               \
  X(expanding, "Expanding", "the new shape is being built")                                      \
  X(backfilling, "Backfilling", "rows are being filled, indexed, validated or verified")         \
  X(verified, "Verified", "both shapes were compared and agree")                                 \
  X(ready_to_switch, "ReadyToSwitch", "both shapes are there; somebody may switch")              \
  X(until_ignored, "UntilIgnored", "until was lowered below what is done")                       \
  X(no_gate, "NoGate", "no switch is configured: passed")                                        \
  X(switching, "Switching", "the traffic is being moved")                                        \
  X(switched, "Switched", "the traffic goes to the new version")                                 \
  X(switched_back, "SwitchedBack", "the traffic goes to the old version again")                  \
  X(service_not_on_blue, "ServiceNotOnBlue", "the Service does not select blue")                 \
  X(green_not_ready, "GreenNotReady", "the green Deployment is not ready")                       \
  X(blue_not_ready, "BlueNotReady", "the blue Deployment is not ready")                          \
  X(gate_bypassed, "GateBypassed", "traffic moved while the gate was closed")                    \
  X(gate_open, "GateOpen", "what was asked before the switch holds")                             \
  X(gate_closed, "GateClosed", "the new shape is not complete")                                  \
  X(check_failing, "CheckFailing", "a check of spec.switch.checks fails")                        \
  X(check_host_refused, "CheckHostRefused", "a check goes to a host that is not allowed")        \
  X(foreign_manager, "ForeignManager", "somebody else manages a Deployment too")                 \
  X(baking, "Baking", "both versions are served while the checks run")                           \
  X(bake_failed, "BakeFailed", "a check failed during the bake")                                 \
  X(scaled_down, "ScaledDown", "the blue Deployment was scaled down")                            \
  X(awaiting_contract, "AwaitingContract", "waiting to take the old shape away")                 \
  X(draining_old, "DrainingOld", "the old version still has sessions or pods")                   \
  X(draining_new, "DrainingNew", "the new version still has sessions or pods")                   \
  X(contracting, "Contracting", "the old shape is being taken away")                             \
  X(contracted, "Contracted", "the old shape is gone")                                           \
  X(completed, "Completed", "all is done")                                                       \
  X(window_closed, "WindowClosed", "outside of spec.windows")                                    \
  /* Migration: the way back */                                                                  \
  X(rolling_back, "RollingBack", "going back to the old shape")                                  \
  X(rolled_back, "RolledBack", "back in the old shape")                                          \
  X(after_contract, "AfterContract", "contract has begun: there is no way back")                 \
  X(expand_failed, "ExpandFailed", "expand failed and was taken back")                           \
  X(rollback_failed, "RollbackFailed", "the way back is blocked")                                \
  X(schema_orphaned, "SchemaOrphaned", "the object let go, the ledger remembers")                \
  /* Migration: blocked */                                                                       \
  X(lock_blocked, "LockBlocked", "another session holds the table")                              \
  X(row_fails, "RowFails", "an expression fails on a row")                                       \
  X(duplicate_keys, "DuplicateKeys", "rows share a key under a unique index")                    \
  X(verify_failed, "VerifyFailed", "the two shapes differ")                                      \
  X(drift, "Drift", "the schema was changed by hand")                                            \
  X(lag_unknown, "LagUnknown", "replica lag is hidden from our role")                            \
  X(replica_lag, "ReplicaLag", "a replica lags behind")                                          \
  X(wrong_database, "WrongDatabase", "the Secret leads to another database")                     \
  X(statement_timeout, "StatementTimeout", "a statement took longer than allowed")               \
  X(cannot_judge, "CannotJudge", "a statement that the parser does not know")                    \
  X(fenced, "Fenced", "another operator took over")                                              \
  X(out_of_turn, "OutOfTurn", "the ledger is in another state than was thought")                 \
  X(precheck_failed, "PrecheckFailed", "what a step needs does not hold yet")                    \
  X(backfill_never_ends, "BackfillNeverEnds", "rows that were filled come up again")             \
  X(step_failed, "StepFailed", "a step failed; the message says why")

enum class Reason : std::uint8_t {
#define LK_REASON_ENUMERATOR(name, word, meaning) name,
  LK_REASONS(LK_REASON_ENUMERATOR)
#undef LK_REASON_ENUMERATOR
};

std::string_view to_string(Reason reason);
std::string_view meaning(Reason reason);
// All of them, in the order above.
std::span<const Reason> all_reasons();
// What a lower room gave as Error::reason; otherwise when the word is empty or not in the list.
Reason reason_from(std::string_view word, Reason otherwise);

}  // namespace lockkeeper::crds
