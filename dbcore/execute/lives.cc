#include "dbcore/execute/lives.h"

#include <algorithm>

namespace lockkeeper::execute {

using namespace std::chrono_literals;

namespace {

// After a longer time without a look a beginning may be anywhere in it.
constexpr auto longest_gap = 400ms;

}  // namespace

void Lives::complete(std::vector<Blocker>& there, base::Clock::Steady now) {
  const bool watched = looked_ && now - *looked_ <= longest_gap;
  looked_ = now;
  std::map<int, Life> seen;
  for (Blocker& holder : there) {
    const auto before = known_.find(holder.pid);
    const bool same = before != known_.end() && before->second.transaction == holder.transaction;
    const Life life = same ? before->second : Life{holder.transaction, now, watched};
    if (holder.age_at_least && life.whole) {
      holder.held = std::chrono::duration_cast<std::chrono::milliseconds>(now - life.since) + 1ms;
    }
    seen.insert_or_assign(holder.pid, life);
  }
  known_ = std::move(seen);
  std::ranges::stable_sort(there, {}, [&](const Blocker& holder) {
    return holder.held > 0ms ? now - holder.held : known_.at(holder.pid).since;
  });
}

}  // namespace lockkeeper::execute
