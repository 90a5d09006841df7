#include <poll.h>

#include "dbcore/sql/session_impl.h"

namespace lockkeeper::sql {
namespace {

constexpr std::chrono::milliseconds between_cancels{100};
base::Error unanswered(Ending ending) {
  if (ending == Ending::stopped) return base::cancelled("stopped; the server did not confirm");
  return base::unavailable("deadline exceeded; the server did not answer a cancel")
      .with_reason("DeadlineExceeded");
}

}  // namespace

std::chrono::milliseconds Call::elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(ctx_.clock().now() - start_);
}

base::Result<void> Call::wait(const PGconn* connection, const std::optional<BackendKey>& key,
                              short events) {
  for (;;) {
    const bool running = ending_ == Ending::answered;
    const Woken woken = wait_for(PQsocket(connection), events, running ? stop_.descriptor() : -1,
                                 running ? ctx_.remaining() : between_cancels);
    if (woken == Woken::socket) return {};
    if (running) {
      ending_ = woken == Woken::stopped ? Ending::stopped : Ending::timed_out;
      cancelling_since_ = std::chrono::steady_clock::now();
    }
    TRY_OK(cancel_again(connection, key));
  }
}

base::Result<void> Call::cancel_again(const PGconn* connection,
                                      const std::optional<BackendKey>& key) {
  if (std::chrono::steady_clock::now() - cancelling_since_ >= patience_) {
    return unanswered(ending_);
  }
  // Without a key nothing can be asked: closing the socket is what remains.
  if (!key) return unanswered(ending_);
  send_cancel(PQsocket(connection), *key, between_cancels);
  return {};
}

}  // namespace lockkeeper::sql
