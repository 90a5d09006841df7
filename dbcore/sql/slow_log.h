// The last statements that took long: digests only, never their text or parameters. Bounded.
// Thread-safe: sessions write, whoever looks reads.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "dbcore/base/clock.h"
#include "dbcore/base/mutex.h"

namespace lockkeeper::sql {

struct SlowStatement {
  base::Clock::Wall at{};  // when it ended
  std::chrono::milliseconds took{0};
  std::string verb;         // "CREATE"
  std::string digest;       // the one that the log has
  std::string application;  // application_name of its session: Migration and step
  int pid = 0;              // of the server
  bool operator==(const SlowStatement&) const = default;
};

class SlowLog {
 public:
  static constexpr std::size_t most = 100;

  void add(SlowStatement statement);
  // The last ones, newest first.
  [[nodiscard]] std::vector<SlowStatement> read() const;
  [[nodiscard]] std::int64_t count() const;
  // The longest of those added since the last call that took at least this long.
  std::optional<SlowStatement> take_worst(std::chrono::milliseconds at_least);

 private:
  mutable base::Mutex mutex_;
  std::deque<SlowStatement> last_ LK_GUARDED_BY(mutex_);
  std::int64_t count_ LK_GUARDED_BY(mutex_) = 0;
  std::optional<SlowStatement> worst_ LK_GUARDED_BY(mutex_);
};

}  // namespace lockkeeper::sql
