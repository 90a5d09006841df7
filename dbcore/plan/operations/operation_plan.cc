#include "dbcore/plan/operations/operation_plan.h"

#include <algorithm>

namespace lockkeeper::plan {

base::Result<catalog::Table*> table_of(catalog::Catalog& catalog, const std::string& name) {
  const auto found = catalog.tables.find(name);
  if (found == catalog.tables.end())
    return base::internal("an unplanned table is applied: " + name);
  return &found->second;
}

base::Result<catalog::Column*> column_of(catalog::Table& table, const std::string& name) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                  [&](const catalog::Column& c) { return c.name == name; });
  if (found == table.columns.end()) {
    return base::internal("an unplanned column is applied: " + name);
  }
  return &*found;
}

}  // namespace lockkeeper::plan
