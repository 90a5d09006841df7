#include "dbcore/sql/wait.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace lockkeeper::sql {

StopSignal::StopSignal(const std::stop_token& stop) {
  if (!stop.stop_possible()) return;
  event_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event_ < 0) return;
  callback_.emplace(stop, [fd = event_] {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd, &one, sizeof(one));
  });
}

StopSignal::~StopSignal() {
  callback_.reset();  // waits for a callback that is running: only then may the descriptor go
  if (event_ >= 0) ::close(event_);
}

Woken wait_for(int socket, short events, int stop_descriptor, std::chrono::nanoseconds limit) {
  // Slices keep the arithmetic within poll's int and bound the harm of a lost wake-up.
  constexpr std::chrono::milliseconds slice{60'000};
  std::array<pollfd, 2> watched{pollfd{socket, events, 0}, pollfd{stop_descriptor, POLLIN, 0}};
  const auto start = std::chrono::steady_clock::now();
  for (;;) {
    const auto spent = std::chrono::steady_clock::now() - start;
    if (spent >= limit) return Woken::timeout;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::min<std::chrono::nanoseconds>(limit - spent, slice));
    const int ready = ::poll(watched.data(), watched.size(), static_cast<int>(left.count()));
    if (ready <= 0) continue;  // timed out, or EINTR
    if (watched[0].revents != 0) return Woken::socket;
    if (watched[1].revents != 0) return Woken::stopped;
  }
}

}  // namespace lockkeeper::sql
