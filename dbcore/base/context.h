// Stop token, deadline, clock and log: the first parameter of all that waits or does I/O.
//
// A Context is a cheap value; derive narrower ones with the with_* members and pass them down.
// It is immutable and safe to copy into another thread. The clock must outlive it.
#pragma once

#include <stop_token>
#include <string_view>

#include "dbcore/base/clock.h"
#include "dbcore/base/log.h"
#include "dbcore/base/result.h"

namespace lockkeeper::base {

class Context {
 public:
  // No deadline, never stopped, the real clock, the process's log.
  Context() = default;
  Context(std::stop_token stop, const Clock& clock, Logger log)
      : stop_(std::move(stop)), clock_(&clock), log_(std::move(log)) {}

  [[nodiscard]] const std::stop_token& stop() const { return stop_; }
  [[nodiscard]] const Clock& clock() const { return *clock_; }
  [[nodiscard]] const Logger& log() const { return log_; }
  [[nodiscard]] Clock::Steady deadline() const { return deadline_; }

  // Time left before the deadline, never negative; Duration::max() without one.
  [[nodiscard]] Clock::Duration remaining() const;
  // cancelled when stop was requested, unavailable when the deadline passed, else ok.
  [[nodiscard]] Result<void> check() const;
  // Waits d, or less when stopped (cancelled) or when the deadline comes first (unavailable).
  [[nodiscard]] Result<void> sleep(Clock::Duration d) const;

  // The earlier of the present deadline and d from now.
  [[nodiscard]] Context with_timeout(Clock::Duration d) const;
  // Replaces the stop token: the caller links it to the old one when both must count.
  [[nodiscard]] Context with_stop(std::stop_token stop) const;
  // Adds a key and value to every line logged below.
  [[nodiscard]] Context with_log(std::string_view key, std::string_view value) const;

 private:
  std::stop_token stop_;
  Clock::Steady deadline_ = Clock::Steady::max();
  const Clock* clock_ = &Clock::real();
  Logger log_;
};

}  // namespace lockkeeper::base
