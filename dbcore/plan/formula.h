// An expression of the user's over one row: parsed, and known to hold nothing that a row trigger or
// a batch cannot do. Pure, thread-safe.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "dbcore/base/result.h"
#include "dbcore/catalog/catalog.h"
#include "dbcore/sql/statement.h"

namespace lockkeeper::plan {

struct Formula {
  sql::Fragment text;             // canonical
  std::set<std::string> columns;  // that it reads
  std::string path;               // where the user wrote it
  bool stable = false;            // calls a stable function: not the same in every session
  bool constant = false;          // reads no column and calls no function
  bool plain = false;             // one column as it is, or a cast of it that cannot fail
  bool bare = false;              // names columns alone: means the same under any search_path
};

// Refuses subqueries, aggregates, parameters, qualified columns, unknown and volatile functions.
base::Result<Formula> formula(const catalog::Catalog& catalog, std::string_view text,
                              const std::string& path);
// As formula(), for a column default: no columns, volatile functions allowed.
struct Default {
  Formula formula;
  bool is_volatile = false;
};
base::Result<Default> default_formula(const catalog::Catalog& catalog, std::string_view text,
                                      const std::string& path);

// The plain column as an expression.
Formula column_formula(const std::string& column, const std::string& path);

// Refuses names that are not among the table's columns; seen_as says how they are named here ("as
// the old version names it").
base::Result<void> reads_only(const Formula& formula, const std::set<std::string>& columns,
                              std::string_view table, std::string_view seen_as);

// With columns renamed; unchanged names need no entry. qualifier: "new" in a trigger.
base::Result<sql::Fragment> renamed(const Formula& formula,
                                    const std::map<std::string, std::string>& names,
                                    std::string_view qualifier = {});

}  // namespace lockkeeper::plan
