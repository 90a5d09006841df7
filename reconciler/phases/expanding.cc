// The new shape is built, filled, indexed, validated and verified, while the old version works.
#include <fmt/format.h>

#include "reconciler/gates/sight.h"
#include "reconciler/jobs.h"
#include "reconciler/phases/phases.h"

namespace lockkeeper::reconcile {
namespace {

using crds::ConditionType;
using crds::Phase;
using crds::Reason;

// With holdGreen the new version's pods start only when its shape is there.
base::Result<void> hold_green(Situation& s) {
  if (!s.spec().switch_spec || !s.spec().switch_spec->blue_green.hold_green) return base::ok();
  const auto& spec = s.spec().switch_spec->blue_green;
  TRY(const TrafficSight traffic,
      look_at_traffic(s.world.ctx, s.world.cluster, s.key().ns, spec, Look::selector));
  if (traffic.selected == spec.green.value || !traffic.green.exists) return base::ok();
  if (traffic.green.replicas > 0) s.writes.push_back(scale(s.key().ns, traffic.green, 0));
  return base::ok();
}

bool due(Situation& s) {
  if (s.steady() < s.memory.drift_due) return false;
  s.memory.drift_due = s.steady() + while_waiting;
  return true;
}

milliseconds next_look(const Situation& s) {
  if (s.job) return while_running;
  if (!s.memory.failure) return milliseconds(1'000);
  const auto left = std::chrono::ceil<milliseconds>(s.memory.failure->retry_at - s.steady());
  return std::clamp(left, milliseconds(200), while_waiting);
}

}  // namespace

base::Result<void> expanding(Situation& s) {
  TRY(const Sight sight, sight_of(s, s.record->plan));
  const Verdict gate = judge(step_gates(), sight);
  if (s.job && (!gate.open || tuning_changed(s))) {
    pause_job(s);
  } else if (gate.open && may_start(s, JobKind::expand)) {
    start_job(s, JobKind::expand);
    s.job = s.world.runner.poll(s.memory.uid);
    if (s.job && !s.job->running) s.job.reset();
  }
  if (due(s)) TRY_OK(hold_green(s));
  say_frozen(s);
  show_progress(s);
  const Phase phase = expanding_phase(s);
  const Reason reason = phase == Phase::expanding ? Reason::expanding : Reason::backfilling;
  s.set(ConditionType::expanded, false, reason);
  if (!gate.open) {
    s.wait(phase, gate, s.job ? while_running : while_waiting);
    return base::ok();
  }
  Verdict progress = describe_progress(s, "the new shape is being built");
  if (progress.open) progress.reason = reason;
  s.wait(phase, progress, next_look(s));
  return base::ok();
}

base::Result<void> say_expanded(Situation& s) {
  say_frozen(s);
  show_progress(s);
  show_all_done(s);
  s.set(ConditionType::expanded, true, Reason::verified, "expanded, backfilled and verified");
  if (!due(s)) return base::ok();
  const auto drift = s.rollout->drift(s.world.ctx, *s.record);
  if (!drift.ok()) {
    // A bake goes on without its database: checks decide what that means.
    const bool later = drift.error().code == base::ErrorCode::unavailable;
    return later ? base::ok() : base::Result<void>(drift.error());
  }
  s.memory.drift.reset();
  if (*drift) s.memory.drift = (*drift)->difference;
  return base::ok();
}

}  // namespace lockkeeper::reconcile
