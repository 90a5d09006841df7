// The only source of time and sleep. Thread-safe. Tests own a fake one
// (tests/support/fake_clock.h).
#pragma once

#include <chrono>
#include <stop_token>

namespace lockkeeper::base {

class Clock {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  using Wall = std::chrono::system_clock::time_point;
  using Duration = std::chrono::nanoseconds;

  virtual ~Clock() = default;
  [[nodiscard]] virtual Steady now() const = 0;
  [[nodiscard]] virtual Wall wall() const = 0;
  // Waits until d has passed or stop is requested; false when it was stopped.
  virtual bool sleep(Duration d, const std::stop_token& stop) const = 0;

  // The process's real clock.
  static const Clock& real();
};

}  // namespace lockkeeper::base
