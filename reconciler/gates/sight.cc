#include "reconciler/gates/sight.h"

#include <algorithm>

namespace lockkeeper::reconcile {
namespace {

std::optional<std::chrono::sys_seconds> in_seconds(
    const std::optional<crds::Schedule::Time>& time) {
  if (!time) return std::nullopt;
  return std::chrono::floor<std::chrono::seconds>(*time);
}

bool is_ours(const engine::SessionInfo& session) {
  return session.application_name == "lockkeeper" ||
         session.application_name.starts_with("lockkeeper/");
}

}  // namespace

base::Result<Sight> sight_of(const Situation& s, const plan::Plan& plan) {
  Sight sight;
  sight.spec = &s.spec();
  sight.now = s.now();
  sight.until = s.until(plan);
  sight.suspended_by = s.suspended_by();
  sight.plan_hash = plan.hash;
  TRY(const auto schedule, crds::Schedule::make(s.spec().windows));
  sight.window_open = schedule.open(s.world.now());
  if (!sight.window_open) sight.opens_at = in_seconds(schedule.opens_at(s.world.now()));
  return sight;
}

base::Result<void> see_traffic(const Situation& s, Look how_far, Sight& sight) {
  if (!s.spec().switch_spec) return base::ok();
  TRY(sight.traffic, look_at_traffic(s.world.ctx, s.world.cluster, s.key().ns,
                                     s.spec().switch_spec->blue_green, how_far));
  return base::ok();
}

base::Result<std::vector<engine::SessionInfo>> sessions_of(
    const Situation& s, const std::optional<crds::SessionSelector>& selector) {
  if (!selector) return std::vector<engine::SessionInfo>{};
  TRY(auto sessions,
      s.rollout->sessions(s.world.ctx, {selector->application_name, selector->user}));
  std::erase_if(sessions, is_ours);
  return sessions;
}

}  // namespace lockkeeper::reconcile
