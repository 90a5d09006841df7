#include "tests/support/await.h"

#include "dbcore/base/clock.h"

namespace lockkeeper::support {

bool await(const std::function<bool()>& condition, std::chrono::milliseconds timeout) {
  const auto& clock = base::Clock::real();
  const auto end = clock.now() + timeout;
  while (!condition()) {
    if (clock.now() >= end) return condition();
    clock.sleep(std::chrono::milliseconds(10), {});
  }
  return true;
}

}  // namespace lockkeeper::support
