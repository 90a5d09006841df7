#include "dbcore/backfill/meter.h"

#include <algorithm>
#include <cmath>

namespace lockkeeper::backfill {
namespace {

using FloatSeconds = std::chrono::duration<double>;

// A rate is taken over at least this long, and older rates fade with this time constant.
constexpr FloatSeconds shortest_window{1.0};
constexpr FloatSeconds fading{10.0};

}  // namespace

Meter::Meter(const base::Clock& clock, const Report& report, std::int64_t done, std::int64_t total)
    : clock_(clock), report_(report), since_(clock.now()) {
  progress_.rows_done = done;
  progress_.rows_total = std::max(total, done);
}

void Meter::smooth(std::int64_t rows) {
  rows_since_ += rows;
  const auto now = clock_.now();
  const FloatSeconds spent = now - since_;
  if (spent < shortest_window) return;
  const double rate = static_cast<double>(rows_since_) / spent.count();
  const double weight = 1.0 - std::exp(-spent.count() / fading.count());
  double& smoothed = progress_.rows_per_second;
  smoothed = smoothed == 0 ? rate : smoothed + weight * (rate - smoothed);
  since_ = now;
  rows_since_ = 0;
}

std::optional<std::chrono::seconds> Meter::remaining() const {
  constexpr double slowest = 0.01;
  if (progress_.rows_per_second < slowest) return {};
  const auto left = static_cast<double>(progress_.rows_total - progress_.rows_done);
  return std::chrono::seconds(std::llround(std::ceil(left / progress_.rows_per_second)));
}

void Meter::add(std::int64_t rows) {
  Progress now;
  {
    const base::Lock lock(mutex_);
    progress_.rows_done += rows;
    progress_.rows_total = std::max(progress_.rows_total, progress_.rows_done);
    smooth(rows);
    progress_.remaining = remaining();
    now = progress_;
  }
  if (report_) report_(now);
}

void Meter::throttled(const std::string& reason) {
  Progress now;
  {
    const base::Lock lock(mutex_);
    if (progress_.throttled == reason) return;
    progress_.throttled = reason;
    now = progress_;
  }
  if (report_) report_(now);
}

Progress Meter::read() const {
  const base::Lock lock(mutex_);
  return progress_;
}

Progress Meter::finish() {
  Progress now;
  {
    const base::Lock lock(mutex_);
    progress_.rows_total = progress_.rows_done;
    progress_.remaining = std::chrono::seconds(0);
    progress_.throttled.clear();
    now = progress_;
  }
  if (report_) report_(now);
  return now;
}

}  // namespace lockkeeper::backfill
