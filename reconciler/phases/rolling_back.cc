// The way back: traffic to blue, the new version's pods and sessions gone, then the undo.
#include <fmt/format.h>

#include "reconciler/gates/sight.h"
#include "reconciler/jobs.h"
#include "reconciler/phases/phases.h"

namespace lockkeeper::reconcile {
namespace {

using crds::ConditionType;
using crds::Phase;
using crds::Reason;

Verdict raise_blue(Situation& s, const TrafficSight& traffic) {
  const DeploymentSight& blue = traffic.blue;
  if (!blue.exists) {
    return closed(Reason::blue_not_ready,
                  fmt::format("there is no Deployment {} to go back to", blue.name));
  }
  if (blue.replicas == 0) {
    const auto& moved = s.migration.status.switch_status;
    const std::int64_t before = moved && moved->blue_replicas ? *moved->blue_replicas : 0;
    const auto wanted = std::max<std::int64_t>({1, before, traffic.green.replicas});
    s.writes.push_back(scale(s.key().ns, blue, wanted));
    return closed(Reason::blue_not_ready,
                  fmt::format("Deployment {} is scaled to {} replicas", blue.name, wanted));
  }
  if (blue.settled) return open_gate();
  return closed(Reason::blue_not_ready,
                fmt::format("waiting for Deployment {} to have {} replicas available", blue.name,
                            blue.replicas));
}

// Open when no traffic is on green and green is on its way down.
Verdict return_traffic(Situation& s, const TrafficSight& traffic) {
  const auto& spec = s.spec().switch_spec->blue_green;
  if (traffic.service_exists && traffic.selected == spec.green.value) {
    if (Verdict blue = raise_blue(s, traffic); !blue.open) return blue;
    s.writes.push_back(select(s.key().ns, spec.service.name, spec.selector_key, spec.green.value,
                              spec.blue.value));
    s.event(Reason::switched_back, "the traffic goes to blue again");
    return closed(Reason::rolling_back,
                  fmt::format("Service {} is pointed at {}", traffic.service, spec.blue.value));
  }
  auto& moved = switch_status(s);
  moved.active = crds::Colour::blue;
  moved.switched_at.reset();
  moved.baked_at.reset();
  if (traffic.green.exists && traffic.green.replicas > 0) {
    s.writes.push_back(scale(s.key().ns, traffic.green, 0));
  }
  return open_gate();
}

// All that must have left before the first thing is undone.
base::Result<Verdict> clear_the_way(Situation& s, Sight& sight) {
  if (const Verdict hold = judge(hold_gates(), sight); !hold.open) return hold;
  TRY_OK(see_traffic(s, Look::pods, sight));
  if (sight.traffic) {
    if (Verdict back = return_traffic(s, *sight.traffic); !back.open) return back;
  }
  TRY(sight.new_sessions, sessions_of(s, s.spec().contract.drain.new_version));
  return judge(rollback_gates(), sight);
}

void say_why(Situation& s) {
  if (s.automatic_rollback) {
    s.set(ConditionType::rolled_back, false, Reason::expand_failed, *s.automatic_rollback);
  } else {
    s.set(ConditionType::rolled_back, false, Reason::rolling_back);
  }
  s.set(ConditionType::switched, false, Reason::rolling_back);
  s.set(ConditionType::gate_open, false, Reason::gate_closed, "going back to the old shape");
}

void say_progress(Situation& s) {
  Verdict verdict = describe_progress(s, "the old shape is restored");
  if (verdict.open) verdict.reason = Reason::rolling_back;
  if (s.automatic_rollback) verdict.message += "; because " + *s.automatic_rollback;
  s.wait(Phase::rolling_back, verdict, s.job ? while_running : milliseconds(1'000));
}

}  // namespace

base::Result<void> rolling_back(Situation& s) {
  say_frozen(s);
  say_why(s);
  show_progress(s);
  if (s.job && s.job->key.kind != JobKind::roll_back) {
    s.world.runner.cancel(s.memory.uid);
    s.conclude(Phase::rolling_back, Standing::working, Reason::rolling_back,
               "the running step is stopped", while_running);
    return base::ok();
  }
  TRY(Sight sight, sight_of(s, s.record->plan));
  if (s.job || s.record->state == execute::State::rolling_back) {
    if (const Verdict hold = judge(hold_gates(), sight); !hold.open) {
      pause_job(s);
      s.wait(Phase::rolling_back, hold, while_waiting);
      return base::ok();
    }
  } else {
    TRY(const Verdict way, clear_the_way(s, sight));
    if (!way.open) {
      s.wait(Phase::rolling_back, way, while_switching);
      return base::ok();
    }
  }
  if (may_start(s, JobKind::roll_back)) {
    start_job(s, JobKind::roll_back);
    s.job = s.world.runner.poll(s.memory.uid);
    if (s.job && !s.job->running) s.job.reset();
  }
  say_progress(s);
  return base::ok();
}

base::Result<void> rolled_back(Situation& s) {
  say_why(s);
  s.set(ConditionType::switched, false, Reason::rolled_back);
  s.set(ConditionType::gate_open, false, Reason::gate_closed, "back in the old shape");
  if (!s.status.completed_at) {
    s.status.completed_at = std::chrono::floor<std::chrono::seconds>(s.record->state_since);
  }
  s.status.steps = crds::StepsStatus{};
  s.status.steps->total = static_cast<int>(s.record->plan.steps.size());
  s.status.steps->progress = fmt::format("0/{}", s.status.steps->total);
  s.status.backfill.reset();
  s.status.progress.clear();
  s.status.contract_after.reset();
  const Reason reason = s.automatic_rollback ? Reason::expand_failed : Reason::rolled_back;
  const std::string message =
      s.automatic_rollback
          ? fmt::format("expand failed and was taken back: {}; hint: correct it in a new object",
                        *s.automatic_rollback)
          : "back in the old shape, nothing lost; hint: another try needs a new object";
  s.set(ConditionType::expanded, false, reason);
  s.set(ConditionType::rolled_back, true, reason, message);
  s.conclude(Phase::rolled_back, Standing::abandoned, reason, message, while_holding);
  return base::ok();
}

}  // namespace lockkeeper::reconcile
