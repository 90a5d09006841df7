#include "reconciler/phases/phases.h"

#include <array>
#include <utility>

namespace lockkeeper::reconcile {
namespace {

using crds::ConditionType;
using crds::Phase;
using crds::Reason;
using execute::State;

bool wants_back(const Situation& s) {
  return s.spec().rollback || s.migration.metadata.deleting() || s.automatic_rollback;
}

// Expanded and verified: how far along spec.until, and has the traffic moved?
Phase decide_ready(const Situation& s) {
  if (wants_back(s)) return Phase::rolling_back;
  // Its job verifies once more before it takes anything away.
  if (s.job && s.job->key.kind == JobKind::contract) return Phase::awaiting_contract;
  const auto& moved = s.migration.status.switch_status;
  const bool switched = moved && moved->switched_at;
  if (!switched && s.until(s.record->plan) == crds::Until::expand) return Phase::ready_to_switch;
  if (!s.spec().switch_spec) return Phase::awaiting_contract;
  if (!switched) return Phase::switching;
  return moved->baked_at ? Phase::awaiting_contract : Phase::baking;
}

}  // namespace

Phase decide(const Situation& s) {
  if (!s.record) return Phase::pending;
  switch (s.record->state) {
    case State::running: return wants_back(s) ? Phase::rolling_back : Phase::expanding;
    case State::ready: return decide_ready(s);
    case State::contracting: return Phase::contracting;
    case State::completed: return Phase::completed;
    case State::rolling_back: return Phase::rolling_back;
    case State::rolled_back: return Phase::rolled_back;
    case State::orphaned: break;  // adopted before anybody decides
  }
  return Phase::pending;
}

base::Result<void> run_phase(Phase phase, Situation& s) {
  using Work = base::Result<void> (*)(Situation&);
  static constexpr std::array<std::pair<Phase, Work>, 13> table = {{
      {Phase::pending, before_start},
      {Phase::planned, before_start},
      {Phase::awaiting_approval, before_start},
      {Phase::expanding, expanding},
      {Phase::backfilling, expanding},
      {Phase::ready_to_switch, ready_to_switch},
      {Phase::switching, switching},
      {Phase::baking, baking},
      {Phase::awaiting_contract, awaiting_contract},
      {Phase::contracting, contracting},
      {Phase::completed, completed},
      {Phase::rolling_back, rolling_back},
      {Phase::rolled_back, rolled_back},
  }};
  for (const auto& [row, work] : table) {
    if (row == phase) return work(s);
  }
  return base::internal("no such phase");
}

void say_frozen(Situation& s) {
  const plan::Plan& plan = s.record->plan;
  s.status.until = s.until(plan);
  if (s.spec().switch_spec && !switch_status(s).active) {
    switch_status(s).active = crds::Colour::blue;
  }
  if (!s.status.started_at) {
    s.status.started_at = std::chrono::floor<std::chrono::seconds>(s.record->created_at);
  }
  s.set(ConditionType::planned, true, Reason::planned, "plan " + plan.hash);
  const std::string& wish = s.spec().approval.plan_hash;
  if (wish == s.record->approval_hash || wish == plan.hash) {
    const bool given = !s.record->approval_hash.empty();
    s.set(ConditionType::approved, true, given ? Reason::approved : Reason::approval_not_needed);
    return;
  }
  if (!s.status.conditions.has_reason(ConditionType::approved, Reason::approval_ignored)) {
    s.event(Reason::approval_ignored,
            "spec.approval changed after the first DDL: the plan is frozen and goes on", true);
  }
  s.set(ConditionType::approved, true, Reason::approval_ignored,
        "spec.approval changed after the plan was frozen: ignored");
}

crds::SwitchStatus& switch_status(Situation& s) {
  if (!s.status.switch_status) s.status.switch_status.emplace();
  return *s.status.switch_status;
}

}  // namespace lockkeeper::reconcile
