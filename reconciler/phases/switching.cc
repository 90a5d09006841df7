// The traffic is moved: green up, gate opened on the object, Service patched, endpoints proved.
//
// GateOpen=True stands on the object before the Service is touched: a Service that selects green
// while it does not was moved by somebody else.
#include <fmt/format.h>

#include "reconciler/gates/sight.h"
#include "reconciler/phases/phases.h"

namespace lockkeeper::reconcile {
namespace {

using crds::ConditionType;
using crds::Phase;
using crds::Reason;

// Between the opened gate and the traffic, for those who read the gate elsewhere: whoever sees
// green traffic has been able to see Expanded.
constexpr std::chrono::seconds gate_lead{3};

// A Service without a ready endpoint is an outage: after this long it goes back.
constexpr std::chrono::seconds longest_proof{60};

const crds::BlueGreenSpec& spec_of(const Situation& s) {
  return s.spec().switch_spec->blue_green;
}

bool gate_was_open(const Situation& s) {
  return s.migration.status.conditions.is_true(ConditionType::gate_open);
}

// An answered annotation is remembered by its value.
bool retry_was_asked(Situation& s) {
  const std::string wish = s.migration.metadata.annotation(crds::annotation::retry_switch);
  if (wish.empty() || wish == switch_status(s).retried) return false;
  switch_status(s).retried = wish;
  return true;
}

// True: the failed bake is forgotten, as the annotation asks.
bool forget_failure(Situation& s) {
  if (!s.migration.status.conditions.has_reason(ConditionType::gate_open, Reason::bake_failed)) {
    return false;
  }
  if (!retry_was_asked(s)) return false;
  s.set(ConditionType::gate_open, false, Reason::gate_closed, "the switch is tried again");
  s.conclude(Phase::ready_to_switch, Standing::working, Reason::switching,
             "the switch is tried again, as annotation lockkeeper.dev/retry-switch asks", at_once);
  return true;
}

void say_managers(Situation& s, const DeploymentSight& deployment) {
  if (deployment.managers.empty() || gate_was_open(s)) return;
  s.event(Reason::foreign_manager,
          fmt::format("replicas of Deployment {} are set by {} too: it may be scaled back",
                      deployment.name, fmt::join(deployment.managers, ", ")));
}

// True: green had to be scaled; wait.
bool scale_green_up(Situation& s, const TrafficSight& traffic) {
  const auto wanted = std::max<std::int64_t>(1, traffic.blue.replicas);
  if (!traffic.green.exists || traffic.green.replicas >= wanted) return false;
  s.writes.push_back(scale(s.key().ns, traffic.green, wanted));
  s.conclude(Phase::switching, Standing::working, Reason::green_not_ready,
             fmt::format("Deployment {} is scaled to {} replicas", traffic.green.name, wanted),
             while_switching);
  return true;
}

void open_gate_on_object(Situation& s, const TrafficSight& traffic) {
  s.set(ConditionType::gate_open, true, Reason::gate_open,
        "the new shape is verified and green is ready");
  switch_status(s).active = crds::Colour::blue;
  say_managers(s, traffic.blue);
  say_managers(s, traffic.green);
  s.conclude(Phase::switching, Standing::working, Reason::switching, "the gate is open",
             while_switching);
}

// True: the gate has not been open for long enough; wait.
bool gate_is_fresh(Situation& s) {
  const auto since =
      s.migration.status.conditions.find(ConditionType::gate_open)->last_transition_time;
  if (!since || s.now() - *since >= gate_lead) return false;
  s.conclude(Phase::switching, Standing::working, Reason::switching, "the gate is open",
             milliseconds(500));
  return true;
}

void move_service(Situation& s) {
  const auto& spec = spec_of(s);
  s.writes.push_back(
      select(s.key().ns, spec.service.name, spec.selector_key, spec.blue.value, spec.green.value));
  s.memory.proof_since = s.steady();
  s.conclude(Phase::switching, Standing::working, Reason::switching,
             fmt::format("Service {} is pointed at {}", spec.service.name, spec.green.value),
             milliseconds(200));
}

void say_switched(Situation& s) {
  auto& moved = switch_status(s);
  moved.active = crds::Colour::green;
  moved.switched_at = s.now();
  moved.baked_at.reset();
  s.memory.checks.clear();
  s.memory.bare_looks = 0;
  s.memory.proof_since.reset();
  s.conclude(Phase::baking, Standing::working, Reason::baking,
             "the traffic goes to green; the bake begins", at_once);
}

void take_back(Situation& s, const std::string& why) {
  const auto& spec = spec_of(s);
  s.writes.push_back(
      select(s.key().ns, spec.service.name, spec.selector_key, spec.green.value, spec.blue.value));
  s.memory.proof_since.reset();
  say_bake_failed(s, why);
}

// The Service selects green: proved when whatever answers behind it is green's.
base::Result<void> prove(Situation& s) {
  TRY(const TrafficSight traffic,
      look_at_traffic(s.world.ctx, s.world.cluster, s.key().ns, spec_of(s), Look::endpoints));
  if (!gate_was_open(s)) {
    s.set(ConditionType::gate_open, true, Reason::gate_bypassed,
          fmt::format("Service {} was pointed at {} by somebody else", traffic.service,
                      traffic.selected));
    s.event(Reason::gate_bypassed, "traffic moved while the gate was closed", true);
  }
  if (traffic.endpoints > 0 && traffic.endpoints == traffic.endpoints_of_green) {
    say_switched(s);
    return base::ok();
  }
  if (!s.memory.proof_since) s.memory.proof_since = s.steady();
  if (s.steady() - *s.memory.proof_since > longest_proof && traffic.blue.settled &&
      traffic.blue.replicas > 0) {
    take_back(s, "no endpoints of green alone within a minute");
    return base::ok();
  }
  s.conclude(
      Phase::switching, Standing::working, Reason::switching,
      fmt::format("Service {} selects {}; waiting for its endpoints: {} of {} are green's",
                  traffic.service, traffic.selected, traffic.endpoints_of_green, traffic.endpoints),
      while_switching);
  return base::ok();
}

void refuse(Situation& s, const Verdict& verdict) {
  if (!gate_was_open(s) || verdict.reason == Reason::bake_failed) {
    const Reason why = verdict.reason == Reason::bake_failed || verdict.reason == Reason::drift
                           ? verdict.reason
                           : Reason::gate_closed;
    s.set(ConditionType::gate_open, false, why, verdict.message);
  }
  const bool person =
      verdict.reason == Reason::bake_failed || verdict.reason == Reason::service_not_on_blue;
  const bool moving = verdict.reason == Reason::green_not_ready;
  s.conclude(moving ? Phase::switching : Phase::ready_to_switch,
             person ? Standing::stalled : Standing::working, verdict.reason, verdict.message,
             moving ? while_switching : while_waiting);
}

}  // namespace

void say_bake_failed(Situation& s, const std::string& why) {
  auto& moved = switch_status(s);
  moved.active = crds::Colour::blue;
  moved.switched_at.reset();
  moved.baked_at.reset();
  s.memory.checks.clear();
  s.set(ConditionType::gate_open, false, Reason::bake_failed, why);
  s.set(ConditionType::switched, false, Reason::bake_failed, why);
  s.event(Reason::switched_back, "the traffic goes to blue again: " + why, true);
  s.conclude(Phase::ready_to_switch, Standing::stalled, Reason::bake_failed,
             why +
                 "; the traffic is back on blue; waiting for a person: give annotation "
                 "lockkeeper.dev/retry-switch a new value, or set spec.rollback",
             while_waiting);
}

base::Result<void> ready_to_switch(Situation& s) {
  TRY_OK(say_expanded(s));
  TRY(Sight sight, sight_of(s, s.record->plan));
  TRY_OK(see_traffic(s, Look::selector, sight));
  if (sight.traffic && sight.traffic->selected == spec_of(s).green.value) return prove(s);
  s.set(ConditionType::gate_open, false, Reason::gate_closed, "spec.until is Expand");
  s.set(ConditionType::switched, false, Reason::ready_to_switch);
  if (s.memory.drift) {
    sight.drift = s.memory.drift;
    s.wait(Phase::ready_to_switch, judge(switch_gates().first(1), sight), while_waiting);
    return base::ok();
  }
  s.conclude(Phase::ready_to_switch, Standing::ready, Reason::ready_to_switch,
             "both versions can read and write; waiting for a person to raise spec.until to Switch "
             "or Contract, or to set spec.rollback",
             while_waiting);
  return base::ok();
}

base::Result<void> switching(Situation& s) {
  TRY_OK(say_expanded(s));
  s.set(ConditionType::switched, false, Reason::switching);
  if (forget_failure(s)) return base::ok();
  TRY(Sight sight, sight_of(s, s.record->plan));
  TRY_OK(see_traffic(s, Look::selector, sight));
  if (sight.traffic->selected == spec_of(s).green.value) return prove(s);
  sight.drift = s.memory.drift;
  sight.bake_failed =
      s.migration.status.conditions.has_reason(ConditionType::gate_open, Reason::bake_failed);
  // green_ready is last: whatever is before it must hold before green is touched.
  const auto gates = switch_gates();
  const Verdict before = judge(gates.first(gates.size() - 1), sight);
  if (!before.open) {
    refuse(s, before);
    return base::ok();
  }
  if (scale_green_up(s, *sight.traffic)) return base::ok();
  const Verdict verdict = judge(gates, sight);
  if (!verdict.open) {
    refuse(s, verdict);
  } else if (!gate_was_open(s)) {
    open_gate_on_object(s, *sight.traffic);
  } else if (!gate_is_fresh(s)) {
    move_service(s);
  }
  return base::ok();
}

}  // namespace lockkeeper::reconcile
