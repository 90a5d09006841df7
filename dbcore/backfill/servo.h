// How much a chunk takes: steers towards a time per chunk. Pure, not thread-safe.
//
// Units are what the caller counts (rows of a key range, blocks of a table). The slowest tenth of
// the last ten chunks decides; a chunk far beyond the target shrinks the size at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

namespace lockkeeper::backfill {

struct ServoLimits {
  std::int64_t floor = 10;
  std::int64_t ceiling = 100'000;
  std::int64_t first = 1'000;
};

class Servo {
 public:
  Servo(std::chrono::milliseconds target, const ServoLimits& limits);

  [[nodiscard]] std::int64_t size() const { return size_; }
  // A chunk of `units` took so long.
  void record(std::int64_t units, std::chrono::nanoseconds took);
  // A deadlock or a lock timeout: half as much.
  void halve();
  // Goes on where an earlier run was; 0 is no knowledge.
  void resume_at(std::int64_t size);

 private:
  void set(double size);
  [[nodiscard]] double slow_cost() const;

  std::chrono::nanoseconds target_;
  ServoLimits limits_;
  std::int64_t size_;
  std::deque<double> costs_;  // ns per unit
};

}  // namespace lockkeeper::backfill
