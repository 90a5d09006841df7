// Counts what all workers have done and tells it. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "dbcore/backfill/backfill.h"
#include "dbcore/base/clock.h"
#include "dbcore/base/mutex.h"

namespace lockkeeper::backfill {

class Meter {
 public:
  // done: by earlier runs.
  Meter(const base::Clock& clock, const Report& report, std::int64_t done, std::int64_t total);

  void add(std::int64_t rows);
  // Why it waits; empty: it goes on.
  void throttled(const std::string& reason);
  [[nodiscard]] Progress read() const;
  // Nothing is pending: what was estimated is known now.
  Progress finish();

 private:
  void smooth(std::int64_t rows) LK_REQUIRES(mutex_);
  [[nodiscard]] std::optional<std::chrono::seconds> remaining() const LK_REQUIRES(mutex_);

  const base::Clock& clock_;
  const Report& report_;
  mutable base::Mutex mutex_;
  Progress progress_ LK_GUARDED_BY(mutex_);
  base::Clock::Steady since_ LK_GUARDED_BY(mutex_);
  std::int64_t rows_since_ LK_GUARDED_BY(mutex_) = 0;
};

}  // namespace lockkeeper::backfill
