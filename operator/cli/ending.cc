#include "operator/cli/ending.h"

#include <algorithm>
#include <array>

namespace lockkeeper::cli {
namespace {

using crds::ConditionType;
using crds::Reason;

// What does not end by our own work.
constexpr std::array<Reason, 21> waits = {Reason::waiting_for_required,
                                          Reason::waiting_in_queue,
                                          Reason::table_claimed,
                                          Reason::draining_old,
                                          Reason::draining_new,
                                          Reason::window_closed,
                                          Reason::suspended,
                                          Reason::row_fails,
                                          Reason::duplicate_keys,
                                          Reason::verify_failed,
                                          Reason::drift,
                                          Reason::lag_unknown,
                                          Reason::wrong_database,
                                          Reason::fenced,
                                          Reason::forced_row_security,
                                          Reason::step_failed,
                                          Reason::statement_timeout,
                                          Reason::rollback_failed,
                                          Reason::cannot_judge,
                                          Reason::database_not_ready,
                                          Reason::ledger_forbidden};

std::optional<Reason> reason_of(const crds::Migration& migration) {
  const crds::Condition* ready = migration.status.conditions.find(ConditionType::ready);
  if (ready == nullptr) return {};
  return crds::reason_from(ready->reason, Reason::reconciling);
}

// Contract's own work has that reason too until nothing can be taken back any more.
bool is_held(const crds::Migration& migration, std::chrono::sys_seconds now) {
  const auto& after = migration.status.contract_after;
  return reason_of(migration) == Reason::awaiting_contract && after && *after > now;
}

Judgement judge_wait(const crds::Migration& migration, std::chrono::sys_seconds now = {}) {
  const auto reason = reason_of(migration);
  if (reason == Reason::awaiting_approval) {
    const std::string hash = migration.status.plan ? migration.status.plan->hash : "";
    return {Ending::waiting, true, "read the plan, then run it with --approve " + hash};
  }
  const bool waits_for_somebody =
      is_held(migration, now) ||
      (reason && std::find(waits.begin(), waits.end(), *reason) != waits.end());
  if (!waits_for_somebody) return {};
  return {Ending::waiting, false, "run the same again to go on"};
}

Judgement judge_ready(const crds::Migration& migration, std::optional<crds::Until> until) {
  if (migration.status.conditions.is_true(ConditionType::contracted) || until) {
    return {Ending::done, true, ""};
  }
  return {Ending::waiting, true,
          "switch the application, then run the same with --until Contract; or run rollback"};
}

}  // namespace

std::string_view to_string(Ending ending) {
  constexpr std::array<std::string_view, 4> names = {"going", "done", "failed", "waiting"};
  return names[static_cast<std::size_t>(ending)];
}

Judgement judge_apply(const crds::Migration& migration, std::optional<crds::Until> until,
                      std::chrono::sys_seconds now) {
  const crds::Conditions& conditions = migration.status.conditions;
  if (conditions.is_true(ConditionType::stalled)) return {Ending::failed, true, ""};
  if (conditions.is_true(ConditionType::rolled_back)) {
    return {Ending::failed, true, "correct what failed, then run apply with the file again"};
  }
  if (conditions.is_true(ConditionType::ready)) return judge_ready(migration, until);
  return judge_wait(migration, now);
}

Judgement judge_rollback(const crds::Migration& migration) {
  const crds::Conditions& conditions = migration.status.conditions;
  if (conditions.is_true(ConditionType::rolled_back)) {
    return {Ending::done, true, "for another try run apply with the file again"};
  }
  const bool too_late = conditions.is_true(ConditionType::contracted) ||
                        conditions.has_reason(ConditionType::rolled_back, Reason::after_contract);
  if (too_late || conditions.is_true(ConditionType::stalled)) return {Ending::failed, true, ""};
  Judgement wait = judge_wait(migration);
  if (wait.ending == Ending::waiting) wait.hint = "run the same again, or with --force";
  return wait;
}

}  // namespace lockkeeper::cli
