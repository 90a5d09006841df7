#include "dbcore/base/backoff.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

namespace lockkeeper::base {

double random_unit() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(generator);
}

Backoff::Backoff(BackoffPolicy policy, std::function<double()> random)
    : policy_(policy), random_(random ? std::move(random) : random_unit) {}

std::chrono::milliseconds Backoff::next() {
  const double grown =
      static_cast<double>(policy_.base.count()) * std::pow(policy_.factor, tries_++);
  const double capped = std::min(grown, static_cast<double>(policy_.max.count()));
  const double spread = 1.0 + policy_.jitter * (2.0 * random_() - 1.0);
  return std::chrono::milliseconds(std::llround(capped * spread));
}

}  // namespace lockkeeper::base
