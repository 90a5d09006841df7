// Keeps the workers of one backfill from going faster than they may. Thread-safe.
#pragma once

#include <cstdint>

#include "dbcore/backfill/meter.h"
#include "dbcore/backfill/throttle.h"
#include "dbcore/base/mutex.h"

namespace lockkeeper::backfill {

class Pace {
 public:
  Pace(const Tuning& tuning, Meter& meter) : tuning_(tuning), meter_(meter) {}

  // After a chunk of so many rows: waits for the pause, the row limit and the replicas. The session
  // is idle and outside a transaction. precondition LagUnknown when the lag cannot be seen.
  base::Result<void> wait(const base::Context& ctx, sql::Session& session, std::int64_t rows);

 private:
  base::Clock::Duration until_rows_allow(base::Clock::Steady now, std::int64_t rows)
      LK_EXCLUDES(mutex_);
  bool lag_is_due(base::Clock::Steady now) LK_EXCLUDES(mutex_);
  base::Result<void> wait_for_replicas(const base::Context& ctx, sql::Session& session);

  const Tuning& tuning_;
  Meter& meter_;
  base::Mutex mutex_;
  base::Clock::Steady next_rows_ LK_GUARDED_BY(mutex_);
  base::Clock::Steady next_lag_check_ LK_GUARDED_BY(mutex_);
};

}  // namespace lockkeeper::backfill
