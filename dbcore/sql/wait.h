// Waiting on a socket and a stop token at once. Internal to dbcore/sql.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>

namespace lockkeeper::sql {

// A descriptor that becomes readable when stop is requested, for as long as this lives. Not
// movable: the callback knows its address. A token that can never be stopped costs nothing.
class StopSignal {
 public:
  explicit StopSignal(const std::stop_token& stop);
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();
  // -1 when it cannot happen.
  [[nodiscard]] int descriptor() const { return event_; }

 private:
  int event_ = -1;
  std::optional<std::stop_callback<std::function<void()>>> callback_;
};

enum class Woken { socket, stopped, timeout };

// events as poll(2) takes them; an error on the socket counts as socket. A negative stop descriptor
// is not watched.
Woken wait_for(int socket, short events, int stop_descriptor, std::chrono::nanoseconds limit);

}  // namespace lockkeeper::sql
