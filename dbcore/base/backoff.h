// Growing waits between tries: base * factor^n up to max, with optional jitter. Not thread-safe.
#pragma once

#include <chrono>
#include <functional>

namespace lockkeeper::base {

struct BackoffPolicy {
  std::chrono::milliseconds base{500};
  double factor = 2.0;
  std::chrono::milliseconds max{60'000};
  double jitter = 0.0;  // 0.5 spreads a wait over [0.5 w, 1.5 w]
};

class Backoff {
 public:
  // random gives values in [0, 1); left out, a generator of the process is used.
  explicit Backoff(BackoffPolicy policy, std::function<double()> random = {});

  // The wait before the next try; each call grows it.
  std::chrono::milliseconds next();
  void reset() { tries_ = 0; }
  [[nodiscard]] int tries() const { return tries_; }

 private:
  BackoffPolicy policy_;
  std::function<double()> random_;
  int tries_ = 0;
};

// A number in [0, 1) from a generator of the calling thread, seeded by the system.
double random_unit();

}  // namespace lockkeeper::base
