// What the sessions of a database are doing, as numbers. Bounded: one read of pg_stat_activity.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "dbcore/base/context.h"
#include "dbcore/sql/session.h"

namespace lockkeeper::catalog {

struct Activity {
  // By state as the server names it ("idle in transaction"); "hidden" without pg_monitor.
  std::map<std::string, int> connections;
  std::chrono::seconds longest_transaction{0};
  int long_queries = 0;  // active for more than 30 s
  bool operator==(const Activity&) const = default;
};

// Sessions of clients on the current database, our own asking one left out.
base::Result<Activity> inspect_activity(const base::Context& ctx, sql::Session& session);

}  // namespace lockkeeper::catalog
