#include "tests/support/fake_clock.h"

namespace lockkeeper::support {

FakeClock::FakeClock(Wall start) : wall_start_(start), steady_start_(start.time_since_epoch()) {}

base::Clock::Steady FakeClock::now() const {
  const base::Lock lock(mutex_);
  return steady_start_ + elapsed_;
}

base::Clock::Wall FakeClock::wall() const {
  const base::Lock lock(mutex_);
  return wall_start_ + std::chrono::duration_cast<Wall::duration>(elapsed_);
}

bool FakeClock::sleep(Duration d, const std::stop_token& stop) const {
  // A stop must wake the sleeper whatever the time is.
  const std::stop_callback wake(stop, [this] {
    const base::Lock lock(mutex_);
    moved_.notify_all();
  });
  base::Lock lock(mutex_);
  slept_.push_back(d);
  if (auto_advance_) {
    elapsed_ += d;
    moved_.notify_all();
    return !stop.stop_requested();
  }
  const Duration due = elapsed_ + d;
  ++sleepers_;
  while (elapsed_ < due && !stop.stop_requested()) moved_.wait(lock);
  --sleepers_;
  return !stop.stop_requested();
}

void FakeClock::advance(Duration d) {
  const base::Lock lock(mutex_);
  elapsed_ += d;
  moved_.notify_all();
}

void FakeClock::set_wall(Wall wall) {
  const base::Lock lock(mutex_);
  wall_start_ = wall - std::chrono::duration_cast<Wall::duration>(elapsed_);
}

void FakeClock::auto_advance(bool on) {
  const base::Lock lock(mutex_);
  auto_advance_ = on;
}

int FakeClock::sleepers() const {
  const base::Lock lock(mutex_);
  return sleepers_;
}

std::vector<base::Clock::Duration> FakeClock::slept() const {
  const base::Lock lock(mutex_);
  return slept_;
}

}  // namespace lockkeeper::support
