// A clock that stands still until a test moves it. Thread-safe.
//
//   FakeClock clock;
//   ... a thread calls clock.sleep(30s, stop) ...
//   ASSERT_TRUE(await([&] { return clock.sleepers() == 1; }));
//   clock.advance(30s);   // the thread goes on
//
// With auto_advance() a sleep returns at once and moves the time by what it asked for: for code
// whose waits are to be measured, not waited.
#pragma once

#include <chrono>
#include <condition_variable>
#include <stop_token>
#include <vector>

#include "dbcore/base/clock.h"
#include "dbcore/base/mutex.h"

namespace lockkeeper::support {

class FakeClock final : public base::Clock {
 public:
  // Steady and wall time both start at this wall time; the default is 2026-11-22T12:00:00Z.
  explicit FakeClock(Wall start = Wall(std::chrono::seconds(1'795'348'800)));

  [[nodiscard]] Steady now() const override;
  [[nodiscard]] Wall wall() const override;
  bool sleep(Duration d, const std::stop_token& stop) const override;

  void advance(Duration d);
  // Moves the wall clock alone, as an operator who sets the time would.
  void set_wall(Wall wall);
  void auto_advance(bool on = true);

  // How many threads sleep right now.
  [[nodiscard]] int sleepers() const;
  // Every duration that was asked for, in order.
  [[nodiscard]] std::vector<Duration> slept() const;

 private:
  mutable base::Mutex mutex_;
  mutable std::condition_variable_any moved_;
  mutable Duration elapsed_ LK_GUARDED_BY(mutex_){0};
  mutable int sleepers_ LK_GUARDED_BY(mutex_) = 0;
  mutable std::vector<Duration> slept_ LK_GUARDED_BY(mutex_);
  bool auto_advance_ LK_GUARDED_BY(mutex_) = false;
  Wall wall_start_ LK_GUARDED_BY(mutex_);
  Steady steady_start_;
};

}  // namespace lockkeeper::support
