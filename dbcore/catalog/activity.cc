#include "dbcore/catalog/activity.h"

#include <algorithm>

#include "dbcore/catalog/queries.h"

namespace lockkeeper::catalog {

base::Result<Activity> inspect_activity(const base::Context& ctx, sql::Session& session) {
  TRY(const auto rows, session.execute(ctx, queries::activity()));
  Activity activity;
  for (const sql::Row row : rows) {
    activity.connections[row.text(0)] = static_cast<int>(row.integer(1));
    activity.longest_transaction =
        std::max(activity.longest_transaction, std::chrono::seconds(row.integer(2)));
    activity.long_queries += static_cast<int>(row.integer(3));
  }
  return activity;
}

}  // namespace lockkeeper::catalog
