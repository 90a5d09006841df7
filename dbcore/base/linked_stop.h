// A stop that comes from outside or from within: for work that a caller may stop and that may also
// stop its own helpers.
//
//   base::LinkedStop both(ctx.stop());
//   worker(ctx.with_stop(both.token()));   // ends when ctx is stopped or both.request()ed
//
// Not movable; tokens may be copied to any thread and outlive it.
#pragma once

#include <functional>
#include <stop_token>

namespace lockkeeper::base {

class LinkedStop {
 public:
  explicit LinkedStop(const std::stop_token& outer)
      : forward_(outer, [source = source_]() mutable { source.request_stop(); }) {}
  LinkedStop(const LinkedStop&) = delete;
  LinkedStop& operator=(const LinkedStop&) = delete;
  ~LinkedStop() = default;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  void request() { source_.request_stop(); }

 private:
  std::stop_source source_;
  std::stop_callback<std::function<void()>> forward_;
};

}  // namespace lockkeeper::base
