#include "operator/signals.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <optional>
#include <utility>

#include "dbcore/base/log.h"

namespace lockkeeper::app {
namespace {

constexpr std::chrono::seconds grace{25};

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

// True when one came within the time.
bool wait_for_signal(const sigset_t& set, std::chrono::nanoseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  timespec limit{};
  limit.tv_sec = seconds.count();
  limit.tv_nsec = (time - seconds).count();
  return sigtimedwait(&set, nullptr, &limit) > 0;
}

void watch(const std::stop_token& over, const std::stop_source& root) {
  const sigset_t set = ending_signals();
  constexpr std::chrono::milliseconds look{100};
  std::optional<std::chrono::steady_clock::time_point> stopped_at;
  while (!over.stop_requested()) {
    const bool came = wait_for_signal(set, look);
    const auto now = std::chrono::steady_clock::now();
    if (came && !stopped_at) {
      base::Logger().info("stopping on a signal");
      root.request_stop();
    } else if (came || (stopped_at && now - *stopped_at > grace)) {
      base::Logger().error("leaving without having stopped in order");
      _exit(1);
    }
    if (root.stop_requested() && !stopped_at) stopped_at = now;
  }
}

}  // namespace

Signals::Signals(std::stop_source root) {
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  thread_ =
      std::jthread([root = std::move(root)](const std::stop_token& over) { watch(over, root); });
}

Signals::~Signals() {
  thread_.request_stop();
}

}  // namespace lockkeeper::app
