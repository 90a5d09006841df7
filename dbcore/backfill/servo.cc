#include "dbcore/backfill/servo.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace lockkeeper::backfill {
namespace {

constexpr std::size_t remembered = 10;
constexpr double most_growth = 1.5;
constexpr double alarm = 5.0;
constexpr double slow_share = 0.9;

}  // namespace

Servo::Servo(std::chrono::milliseconds target, const ServoLimits& limits)
    : target_(std::max(target, std::chrono::milliseconds(1))),
      limits_(limits),
      size_(std::clamp(limits.first, limits.floor, limits.ceiling)) {}

void Servo::set(double size) {
  const auto whole = static_cast<std::int64_t>(std::llround(size));
  size_ = std::clamp(whole, limits_.floor, limits_.ceiling);
}

double Servo::slow_cost() const {
  std::vector<double> sorted(costs_.begin(), costs_.end());
  std::ranges::sort(sorted);
  const auto rank =
      static_cast<std::size_t>(std::ceil(slow_share * static_cast<double>(sorted.size())));
  return sorted[rank - 1];
}

void Servo::record(std::int64_t units, std::chrono::nanoseconds took) {
  if (units <= 0) return;
  const double cost =
      static_cast<double>(std::max<std::int64_t>(took.count(), 1)) / static_cast<double>(units);
  const auto target = static_cast<double>(target_.count());
  if (static_cast<double>(took.count()) > alarm * target) {
    costs_.assign(1, cost);
    set(target / cost);
    return;
  }
  costs_.push_back(cost);
  if (costs_.size() > remembered) costs_.pop_front();
  const double wanted = target / slow_cost();
  set(std::min(wanted, static_cast<double>(size_) * most_growth));
}

void Servo::halve() {
  set(static_cast<double>(size_) / 2);
}

void Servo::resume_at(std::int64_t size) {
  if (size > 0) set(static_cast<double>(size));
}

}  // namespace lockkeeper::backfill
