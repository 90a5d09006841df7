#include "dbcore/execute/progress.h"

#include <utility>

namespace lockkeeper::execute {

ProgressView Progress::read() const {
  const base::Lock lock(mutex_);
  return view_;
}

void Progress::update(const std::function<void(ProgressView&)>& change) {
  std::optional<std::stop_source> stop;  // tripped outside the lock: its callbacks are not ours
  {
    const base::Lock lock(mutex_);
    const std::string before = view_.step;
    change(view_);
    if (at_next_step_ && view_.step != before) stop = std::exchange(at_next_step_, std::nullopt);
  }
  if (stop) stop->request_stop();
}

void Progress::stop_at_next_step(std::stop_source source) {
  const base::Lock lock(mutex_);
  at_next_step_ = std::move(source);
}

}  // namespace lockkeeper::execute
