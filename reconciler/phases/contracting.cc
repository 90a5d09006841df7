// The old shape is waited for and taken away: from here on there is no way back.
#include <fmt/format.h>

#include "crds/duration.h"
#include "reconciler/gates/sight.h"
#include "reconciler/jobs.h"
#include "reconciler/phases/phases.h"

namespace lockkeeper::reconcile {
namespace {

using crds::ConditionType;
using crds::Phase;
using crds::Reason;
using std::chrono::seconds;

constexpr milliseconds while_draining{3'000};

void say_times(Situation& s, Sight& sight) {
  seconds after = std::chrono::ceil<seconds>(s.spec().contract.after);
  auto from = std::chrono::floor<seconds>(s.record->state_since);
  if (s.spec().switch_spec) {
    const auto& moved = switch_status(s);
    from = moved.switched_at.value_or(from);
    sight.blue_down_at =
        moved.baked_at.value_or(from) +
        std::chrono::ceil<seconds>(s.spec().switch_spec->blue_green.blue.scale_down_delay);
  }
  s.status.contract_after = from + after;
  sight.contract_after = s.status.contract_after;
}

// Blue is scaled down when its delay is over, and again when somebody scales it up before contract.
void scale_blue_down(Situation& s, const Sight& sight) {
  if (!sight.traffic || !sight.suspended_by.empty() || s.now() < *sight.blue_down_at) return;
  const DeploymentSight& blue = sight.traffic->blue;
  if (!blue.exists || blue.replicas == 0) return;
  auto& moved = switch_status(s);
  moved.blue_replicas = static_cast<int>(blue.replicas);
  moved.scaled_down_at = s.now();
  s.writes.push_back(scale(s.key().ns, blue, 0));
  s.event(Reason::scaled_down, fmt::format("Deployment {} is scaled to 0", blue.name));
}

Verdict hold_for_person(const Situation& s) {
  if (s.until(s.record->plan) == crds::Until::contract) return open_gate();
  return closed(Reason::awaiting_contract,
                "waiting for a person to raise spec.until to Contract, or to set spec.rollback");
}

milliseconds next_look(const Sight& sight) {
  milliseconds next = while_waiting;
  const auto sooner = [&](const std::optional<std::chrono::sys_seconds>& at) {
    if (at && *at > sight.now) next = std::min<milliseconds>(next, *at - sight.now);
  };
  sooner(sight.contract_after);
  sooner(sight.blue_down_at);
  return next;
}

// The traffic went back by somebody else's hand after the bake.
bool went_back(Situation& s, const Sight& sight) {
  if (!sight.traffic || sight.traffic->selected != s.spec().switch_spec->blue_green.blue.value) {
    return false;
  }
  say_bake_failed(s, "the Service was pointed back at blue after the bake");
  return true;
}

void say_no_way_back(Situation& s) {
  if (s.spec().rollback &&
      !s.status.conditions.has_reason(ConditionType::rolled_back, Reason::after_contract)) {
    s.set(ConditionType::rolled_back, false, Reason::after_contract,
          "contract has begun: it goes on, there is no way back");
    s.event(Reason::after_contract, "spec.rollback comes after contract began: refused", true);
  }
  const bool new_wish = s.migration.status.observed_generation != s.migration.metadata.generation;
  if (new_wish && s.until(s.record->plan) != crds::Until::contract) {
    s.event(Reason::until_ignored, "spec.until was lowered after contract began: ignored", true);
  }
  s.status.until = crds::Until::contract;
}

void say_switched_for(Situation& s) {
  if (s.spec().switch_spec) {
    s.set(ConditionType::switched, true, Reason::switched, "the traffic goes to green");
  } else {
    s.set(ConditionType::switched, true, Reason::no_gate, "no spec.switch: nothing to move");
    s.set(ConditionType::gate_open, true, Reason::no_gate, "both shapes are there");
  }
}

// The job of contract looks at every row once more; until that is done, a person may change his
// mind.
base::Result<void> verifying(Situation& s, const Sight& sight) {
  Verdict verdict = hold_for_person(s);
  if (verdict.open) verdict = judge(step_gates(), sight);
  if (!verdict.open) {
    pause_job(s);
  } else {
    verdict = describe_progress(s, "both shapes are compared once more");
    if (verdict.open) {
      verdict.reason = Reason::awaiting_contract;
      verdict.message += "; before the old shape is taken away";
    }
  }
  s.status.steps->current = s.memory.progress.step;
  s.wait(Phase::awaiting_contract, verdict, while_running);
  return base::ok();
}

}  // namespace

base::Result<void> awaiting_contract(Situation& s) {
  TRY_OK(say_expanded(s));
  say_switched_for(s);
  TRY(Sight sight, sight_of(s, s.record->plan));
  if (s.job) return verifying(s, sight);
  say_times(s, sight);
  TRY_OK(see_traffic(s, Look::pods, sight));
  if (went_back(s, sight)) return base::ok();
  scale_blue_down(s, sight);
  sight.drift = s.memory.drift;
  const Verdict person = hold_for_person(s);
  if (!person.open && !sight.drift) {
    s.conclude(Phase::awaiting_contract, Standing::ready, person.reason, person.message,
               next_look(sight));
    return base::ok();
  }
  TRY(sight.old_sessions, sessions_of(s, s.spec().contract.drain.old_version));
  const Verdict verdict = judge(contract_gates(), sight);
  if (verdict.open) return contracting(s);
  const bool draining = verdict.reason == Reason::draining_old;
  s.wait(Phase::awaiting_contract, verdict,
         draining ? std::min(while_draining, next_look(sight)) : next_look(sight));
  return base::ok();
}

base::Result<void> contracting(Situation& s) {
  TRY(const Sight sight, sight_of(s, s.record->plan));
  const Verdict gate = judge(step_gates(), sight);
  if (s.job && !gate.open) {
    pause_job(s);
  } else if (gate.open && may_start(s, JobKind::contract)) {
    start_job(s, JobKind::contract);
    s.job = s.world.runner.poll(s.memory.uid);
    if (s.job && !s.job->running) s.job.reset();
  }
  say_frozen(s);
  say_switched_for(s);
  show_progress(s);
  // Until the ledger says so nothing was taken away: rows are compared, and there is a way back.
  const bool begun = s.record->state == execute::State::contracting;
  if (begun) say_no_way_back(s);
  if (begun) s.set(ConditionType::contracted, false, Reason::contracting);
  Verdict verdict = gate.open ? describe_progress(s, "the old shape is taken away") : gate;
  if (verdict.open) verdict.reason = begun ? Reason::contracting : Reason::awaiting_contract;
  s.wait(begun ? Phase::contracting : Phase::awaiting_contract, verdict,
         s.job ? while_running : milliseconds(2'000));
  return base::ok();
}

base::Result<void> completed(Situation& s) {
  const bool adopted = !s.begun();
  say_frozen(s);
  say_no_way_back(s);
  show_progress(s);
  show_all_done(s);
  if (!s.status.completed_at) {
    s.status.completed_at = std::chrono::floor<seconds>(s.record->state_since);
  }
  const Reason reason = adopted ? Reason::adopted : Reason::contracted;
  s.set(ConditionType::expanded, true, adopted ? Reason::adopted : Reason::verified);
  if (adopted) {
    s.set(ConditionType::switched, true, Reason::adopted);
  } else {
    say_switched_for(s);
  }
  s.set(ConditionType::contracted, true, reason);
  s.conclude(Phase::completed, Standing::ready, Reason::completed,
             adopted ? "the ledger says that it was done before: adopted without DDL"
             : s.record->plan.breaks_old_version() ? "done: the old shape is gone"
                                                   : "done: all of it is in place",
             while_holding);
  return base::ok();
}

}  // namespace lockkeeper::reconcile
