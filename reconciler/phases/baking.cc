// Both versions are served: checks decide whether the traffic stays on green.
#include <fmt/format.h>

#include "crds/duration.h"
#include "reconciler/gates/checks.h"
#include "reconciler/gates/sight.h"
#include "reconciler/phases/phases.h"

namespace lockkeeper::reconcile {
namespace {

using crds::ConditionType;
using crds::Phase;
using crds::Reason;

// Looks in a row, one a second, at a Service behind which no green pod answers.
constexpr int most_bare_looks = 10;

void switch_back(Situation& s, const std::string& why) {
  const auto& spec = s.spec().switch_spec->blue_green;
  s.writes.push_back(
      select(s.key().ns, spec.service.name, spec.selector_key, spec.green.value, spec.blue.value));
  say_bake_failed(s, why);
}

// What ends the bake badly, if anything does.
std::optional<std::string> trouble(Situation& s, const TrafficSight& traffic,
                                   const ChecksVerdict& checks) {
  s.memory.bare_looks = traffic.endpoints_of_green > 0 ? 0 : s.memory.bare_looks + 1;
  if (checks.failed) return checks.failed;
  if (s.memory.bare_looks >= most_bare_looks) {
    return fmt::format("no pod of Deployment {} answers behind Service {}", traffic.green.name,
                       traffic.service);
  }
  return std::nullopt;
}

void end_well(Situation& s) {
  switch_status(s).baked_at = s.now();
  s.set(ConditionType::switched, true, Reason::switched, "the traffic goes to green");
  s.event(Reason::switched, "the bake is over: the traffic stays on green");
  s.conclude(Phase::awaiting_contract, Standing::working, Reason::switched,
             "the traffic goes to green", at_once);
}

}  // namespace

base::Result<void> baking(Situation& s) {
  TRY_OK(say_expanded(s));
  TRY(Sight sight, sight_of(s, s.record->plan));
  TRY_OK(see_traffic(s, Look::endpoints, sight));
  const auto& spec = *s.spec().switch_spec;
  if (sight.traffic->selected == spec.blue_green.blue.value) {
    say_bake_failed(s, "the Service was pointed back at blue during the bake");
    return base::ok();
  }
  const ChecksVerdict checks = run_checks(s);
  if (const auto why = trouble(s, *sight.traffic, checks)) {
    switch_back(s, *why);
    return base::ok();
  }
  s.set(ConditionType::switched, false, Reason::baking);
  const auto end =
      *switch_status(s).switched_at + std::chrono::ceil<std::chrono::seconds>(spec.bake);
  const Verdict hold = judge(hold_gates(), sight);
  if (!hold.open) {
    s.wait(Phase::baking, hold, while_switching);
  } else if (s.now() >= end && checks.all_passed && s.memory.bare_looks == 0) {
    end_well(s);
  } else {
    std::string message = fmt::format("bake ends at {}", crds::format_time(end));
    if (!checks.waiting_for.empty()) message += "; " + checks.waiting_for;
    s.conclude(Phase::baking, Standing::working, Reason::baking, message, while_switching);
  }
  return base::ok();
}

}  // namespace lockkeeper::reconcile
