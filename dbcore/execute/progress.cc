#include "dbcore/execute/progress.h"

namespace lockkeeper::execute {

ProgressView Progress::read() const {
  const base::Lock lock(mutex_);
  return view_;
}

void Progress::update(const std::function<void(ProgressView&)>& change) {
  const base::Lock lock(mutex_);
  change(view_);
}

}  // namespace lockkeeper::execute
