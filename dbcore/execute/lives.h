// How long those who hold a lock have held it, where the server does not say: without pg_monitor
// the start of another role's transaction is hidden, but pg_locks shows everybody which one it is.
//
// Fed with the same looks as Asking. A value; not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dbcore/base/clock.h"
#include "dbcore/execute/blockers.h"

namespace lockkeeper::execute {

class Lives {
 public:
  // Fills in `held` of those whose beginning was seen, and puts who has been there longest first.
  // One who was there before we looked keeps 0.
  void complete(std::vector<Blocker>& there, base::Clock::Steady now);

 private:
  struct Life {
    std::string transaction;
    base::Clock::Steady since;
    bool whole = false;  // its beginning was seen
  };

  std::map<int, Life> known_;                  // by pid
  std::optional<base::Clock::Steady> looked_;  // last
};

}  // namespace lockkeeper::execute
