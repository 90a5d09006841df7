#include "dbcore/base/clock.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace lockkeeper::base {
namespace {

class RealClock final : public Clock {
 public:
  [[nodiscard]] Steady now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] Wall wall() const override { return std::chrono::system_clock::now(); }

  bool sleep(Duration d, const std::stop_token& stop) const override {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    // now + Duration::max() would lie in the past.
    constexpr Duration longest = std::chrono::hours(24 * 365);
    wake.wait_for(lock, stop, std::min(d, longest), [] { return false; });
    return !stop.stop_requested();
  }
};

}  // namespace

const Clock& Clock::real() {
  static const RealClock clock;
  return clock;
}

}  // namespace lockkeeper::base
