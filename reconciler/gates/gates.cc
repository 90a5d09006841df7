#include "reconciler/gates/gates.h"

#include <fmt/format.h>

#include <array>

#include "crds/duration.h"

namespace lockkeeper::reconcile {
namespace {

using crds::Reason;

Verdict not_suspended(const Sight& sight) {
  if (sight.suspended_by.empty()) return open_gate();
  return closed(Reason::suspended,
                fmt::format("{} is true; goes on when it is false", sight.suspended_by));
}

Verdict within_window(const Sight& sight) {
  if (sight.window_open) return open_gate();
  return closed(Reason::window_closed,
                sight.opens_at ? fmt::format("outside of spec.windows; the next one opens at {}",
                                             crds::format_time(*sight.opens_at))
                               : "outside of spec.windows, and none opens any more");
}

Verdict approved(const Sight& sight) {
  if (!sight.needs_approval || sight.spec->approval.plan_hash == sight.plan_hash) {
    return open_gate();
  }
  const bool other = !sight.spec->approval.plan_hash.empty();
  return closed(Reason::awaiting_approval,
                fmt::format("{}waiting for a person to set spec.approval.planHash to {}",
                            other ? "another plan was approved; " : "", sight.plan_hash));
}

Verdict service_on_blue(const Sight& sight) {
  if (!sight.traffic) return open_gate();
  const auto& blue_green = sight.spec->switch_spec->blue_green;
  const TrafficSight& traffic = *sight.traffic;
  if (!traffic.service_exists) {
    return closed(Reason::service_not_on_blue,
                  fmt::format("there is no Service {}", traffic.service));
  }
  if (traffic.selected == blue_green.blue.value) return open_gate();
  return closed(Reason::service_not_on_blue,
                fmt::format("Service {} selects {}={}, not blue's {}; hint: point it at blue",
                            traffic.service, blue_green.selector_key, traffic.selected,
                            blue_green.blue.value));
}

Verdict no_drift(const Sight& sight) {
  if (!sight.drift) return open_gate();
  return closed(Reason::drift,
                fmt::format("the schema is not what the last step left: {}; hint: undo it by hand, "
                            "or set spec.rollback",
                            *sight.drift));
}

Verdict bake_did_not_fail(const Sight& sight) {
  if (!sight.bake_failed) return open_gate();
  return closed(Reason::bake_failed,
                "the traffic is back on blue; waiting for a person: give annotation "
                "lockkeeper.dev/retry-switch a new value, or set spec.rollback");
}

Verdict deployment_ready(const DeploymentSight& deployment, Reason reason) {
  if (!deployment.exists) {
    return closed(reason, fmt::format("there is no Deployment {}", deployment.name));
  }
  if (deployment.replicas > 0 && deployment.settled) return open_gate();
  return closed(reason,
                fmt::format("waiting for Deployment {} to have {} replicas available",
                            deployment.name, std::max<std::int64_t>(1, deployment.replicas)));
}

Verdict green_ready(const Sight& sight) {
  return sight.traffic ? deployment_ready(sight.traffic->green, Reason::green_not_ready)
                       : open_gate();
}

Verdict after_has_passed(const Sight& sight) {
  if (!sight.contract_after || sight.now >= *sight.contract_after) return open_gate();
  return closed(Reason::awaiting_contract,
                fmt::format("contract.after ends at {}", crds::format_time(*sight.contract_after)));
}

Verdict blue_is_down(const Sight& sight) {
  if (!sight.traffic || sight.traffic->blue.replicas == 0 || !sight.traffic->blue.exists) {
    return open_gate();
  }
  const std::string when =
      sight.blue_down_at ? " at " + crds::format_time(*sight.blue_down_at) : std::string();
  return closed(Reason::draining_old,
                fmt::format("Deployment {} is scaled down{}", sight.traffic->blue.name, when));
}

Verdict pods_gone(const DeploymentSight& deployment, Reason reason) {
  if (deployment.pods.empty()) return open_gate();
  return closed(reason,
                fmt::format("waiting for {} pods of Deployment {} to end, such as {}",
                            deployment.pods.size(), deployment.name, *deployment.pods.begin()));
}

Verdict blue_pods_gone(const Sight& sight) {
  return sight.traffic ? pods_gone(sight.traffic->blue, Reason::draining_old) : open_gate();
}

Verdict green_pods_gone(const Sight& sight) {
  if (!sight.traffic || sight.spec->safety.forces_rollback()) return open_gate();
  return pods_gone(sight.traffic->green, Reason::draining_new);
}

Verdict sessions_gone(const std::vector<engine::SessionInfo>& sessions, Reason reason,
                      std::string_view version) {
  if (sessions.empty()) return open_gate();
  const engine::SessionInfo& one = sessions.front();
  return closed(reason,
                fmt::format("waiting for {} sessions of the {} version to end, such as pid "
                            "{} (user {}, application {})",
                            sessions.size(), version, one.pid, one.user, one.application_name));
}

Verdict old_sessions_gone(const Sight& sight) {
  return sessions_gone(sight.old_sessions, Reason::draining_old, "old");
}

Verdict new_sessions_gone(const Sight& sight) {
  if (sight.spec->safety.forces_rollback()) return open_gate();
  return sessions_gone(sight.new_sessions, Reason::draining_new, "new");
}

}  // namespace

Verdict judge(std::span<const Gate> gates, const Sight& sight) {
  for (const Gate gate : gates) {
    if (Verdict verdict = gate(sight); !verdict.open) return verdict;
  }
  return open_gate();
}

std::span<const Gate> start_gates() {
  static constexpr std::array<Gate, 4> gates = {approved, service_on_blue, not_suspended,
                                                within_window};
  return gates;
}

std::span<const Gate> step_gates() {
  static constexpr std::array<Gate, 2> gates = {not_suspended, within_window};
  return gates;
}

std::span<const Gate> switch_gates() {
  static constexpr std::array<Gate, 6> gates = {no_drift,      bake_did_not_fail, not_suspended,
                                                within_window, service_on_blue,   green_ready};
  return gates;
}

std::span<const Gate> hold_gates() {
  static constexpr std::array<Gate, 1> gates = {not_suspended};
  return gates;
}

std::span<const Gate> contract_gates() {
  static constexpr std::array<Gate, 7> gates = {no_drift,         not_suspended, within_window,
                                                after_has_passed, blue_is_down,  blue_pods_gone,
                                                old_sessions_gone};
  return gates;
}

std::span<const Gate> rollback_gates() {
  static constexpr std::array<Gate, 3> gates = {not_suspended, green_pods_gone, new_sessions_gone};
  return gates;
}

}  // namespace lockkeeper::reconcile
