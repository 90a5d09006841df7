#include "operator/kube/rate_limiter.h"

#include <algorithm>

namespace lockkeeper::kube {

base::Clock::Duration RateLimiter::reserve(base::Clock::Steady now) {
  const base::Lock lock(mutex_);
  const auto pause = std::max(base::Clock::Duration::zero(), paused_until_ - now);
  if (qps_ <= 0) return pause;
  if (filled_at_ != base::Clock::Steady{}) {
    const std::chrono::duration<double> passed = now - filled_at_;
    tokens_ = std::min(burst_, tokens_ + passed.count() * qps_);
  }
  filled_at_ = now;
  tokens_ -= 1;
  if (tokens_ >= 0) return pause;
  const std::chrono::duration<double> turn(-tokens_ / qps_);
  return std::max(pause, std::chrono::duration_cast<base::Clock::Duration>(turn));
}

base::Result<base::Clock::Duration> RateLimiter::wait(const base::Context& ctx) {
  const auto d = reserve(ctx.clock().now());
  if (d > base::Clock::Duration::zero()) TRY_OK(ctx.sleep(d));
  return d;
}

void RateLimiter::pause(const base::Clock& clock, base::Clock::Duration d) {
  const base::Lock lock(mutex_);
  paused_until_ = std::max(paused_until_, clock.now() + d);
}

}  // namespace lockkeeper::kube
