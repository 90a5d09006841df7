// A token bucket, and the pause that a server asked for. Thread-safe.
#pragma once

#include "dbcore/base/context.h"
#include "dbcore/base/mutex.h"
#include "dbcore/base/result.h"

namespace lockkeeper::kube {

class RateLimiter {
 public:
  // qps 0 or less: no limit, only pauses.
  RateLimiter(double qps, int burst) : qps_(qps), burst_(burst), tokens_(burst) {}

  // Waits for its turn; gives the time it waited. Turns are given in the order of the calls.
  base::Result<base::Clock::Duration> wait(const base::Context& ctx);
  // No turn before this long from now.
  void pause(const base::Clock& clock, base::Clock::Duration d);

 private:
  base::Clock::Duration reserve(base::Clock::Steady now) LK_EXCLUDES(mutex_);

  const double qps_;
  const double burst_;
  mutable base::Mutex mutex_;
  double tokens_ LK_GUARDED_BY(mutex_);  // negative: turns already promised
  base::Clock::Steady filled_at_ LK_GUARDED_BY(mutex_){};
  base::Clock::Steady paused_until_ LK_GUARDED_BY(mutex_){};
};

}  // namespace lockkeeper::kube
