#include "dbcore/backfill/pace.h"

#include <fmt/format.h>

#include <algorithm>

namespace lockkeeper::backfill {
namespace {

using base::Clock;
using base::Result;

constexpr std::chrono::seconds between_lag_checks{1};

base::Error lag_unknown() {
  return base::precondition("the lag of the replicas is hidden from our role")
      .with_hint("GRANT pg_monitor to the role, or pg_read_all_stats")
      .with_reason("LagUnknown");
}

}  // namespace

// Rows are paid for with time: each chunk moves the moment from which the next may start.
Clock::Duration Pace::until_rows_allow(Clock::Steady now, std::int64_t rows) {
  if (tuning_.max_rows_per_second <= 0) return Clock::Duration::zero();
  const std::chrono::duration<double> price(static_cast<double>(rows) /
                                            static_cast<double>(tuning_.max_rows_per_second));
  const base::Lock lock(mutex_);
  next_rows_ = std::max(next_rows_, now) + std::chrono::duration_cast<Clock::Duration>(price);
  return next_rows_ - now;
}

bool Pace::lag_is_due(Clock::Steady now) {
  const base::Lock lock(mutex_);
  if (now < next_lag_check_) return false;
  next_lag_check_ = now + between_lag_checks;
  return true;
}

Result<void> Pace::wait_for_replicas(const base::Context& ctx, sql::Session& session) {
  for (;;) {
    TRY(const auto lag, measure_replica_lag(ctx, session));
    if (!lag.worst) return lag_unknown();
    const std::string reason = replica_lag_reason(lag, tuning_);
    if (reason.empty()) return {};
    meter_.throttled(reason);
    TRY_OK(ctx.sleep(between_lag_checks));
  }
}

Result<void> Pace::wait(const base::Context& ctx, sql::Session& session, std::int64_t rows) {
  const auto rate_wait = until_rows_allow(ctx.clock().now(), rows);
  const auto pause = std::max<Clock::Duration>(rate_wait, tuning_.pause);
  if (pause > Clock::Duration::zero()) TRY_OK(ctx.sleep(pause));
  if (lag_is_due(ctx.clock().now())) TRY_OK(wait_for_replicas(ctx, session));
  const bool held = rate_wait > tuning_.pause;
  meter_.throttled(
      held ? fmt::format("held to {} rows/s by maxRowsPerSecond", tuning_.max_rows_per_second)
           : std::string());
  return ctx.check();
}

}  // namespace lockkeeper::backfill
