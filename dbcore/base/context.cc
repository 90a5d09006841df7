#include "dbcore/base/context.h"

#include <algorithm>
#include <utility>

namespace lockkeeper::base {

Clock::Duration Context::remaining() const {
  if (deadline_ == Clock::Steady::max()) return Clock::Duration::max();
  return std::max(Clock::Duration::zero(), deadline_ - clock_->now());
}

Result<void> Context::check() const {
  if (stop_.stop_requested()) return cancelled("stopped on request");
  if (remaining() == Clock::Duration::zero()) return unavailable("deadline exceeded");
  return {};
}

Result<void> Context::sleep(Clock::Duration d) const {
  if (!clock_->sleep(std::min(d, remaining()), stop_)) return cancelled("stopped on request");
  return check();
}

Context Context::with_timeout(Clock::Duration d) const {
  Context narrowed = *this;
  const auto now = clock_->now();
  if (d < Clock::Steady::max() - now) narrowed.deadline_ = std::min(deadline_, now + d);
  return narrowed;
}

Context Context::with_stop(std::stop_token stop) const {
  Context narrowed = *this;
  narrowed.stop_ = std::move(stop);
  return narrowed;
}

Context Context::with_log(std::string_view key, std::string_view value) const {
  Context narrowed = *this;
  narrowed.log_ = log_.with(key, value);
  return narrowed;
}

}  // namespace lockkeeper::base
