#include "dbcore/sql/slow_log.h"

#include <utility>

namespace lockkeeper::sql {

void SlowLog::add(SlowStatement statement) {
  const base::Lock lock(mutex_);
  ++count_;
  if (!worst_ || statement.took > worst_->took) worst_ = statement;
  last_.push_back(std::move(statement));
  if (last_.size() > most) last_.pop_front();
}

std::vector<SlowStatement> SlowLog::read() const {
  const base::Lock lock(mutex_);
  return {last_.rbegin(), last_.rend()};
}

std::int64_t SlowLog::count() const {
  const base::Lock lock(mutex_);
  return count_;
}

std::optional<SlowStatement> SlowLog::take_worst(std::chrono::milliseconds at_least) {
  const base::Lock lock(mutex_);
  auto worst = std::exchange(worst_, std::nullopt);
  if (worst && worst->took < at_least) worst.reset();
  return worst;
}

}  // namespace lockkeeper::sql
