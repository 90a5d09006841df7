// The trigger function that keeps both shapes of a row alike (engine: 2.5), by value difference:
// which version wrote is told by which of the two places changed, never by the session.
// Pure, thread-safe.
#pragma once

#include <vector>

#include "dbcore/plan/draft.h"

namespace lockkeeper::plan {

// Old and new columns that are decided together, because each side is computed from the other.
struct TwoWay {
  std::vector<const ColumnDraft*> olds;  // have a down
  std::vector<const ColumnDraft*> news;  // have an up and a place that the new version writes
};

struct Routing {
  std::vector<TwoWay> groups;
  std::vector<const ColumnDraft*> fills;      // NULL becomes a value, for both versions
  std::vector<const ColumnDraft*> derived;    // computed from the old side, never the other way
  std::vector<const ColumnDraft*> defaulted;  // rows that are there get the volatile default
  std::vector<const ColumnDraft*> optional;   // dropped: INSERTs that leave it out get `down`

  [[nodiscard]] bool empty() const {
    return groups.empty() && fills.empty() && derived.empty() && defaulted.empty() &&
           optional.empty();
  }
};

Routing routing(const TableDraft& table);

// CREATE FUNCTION .. with everything between.
base::Result<sql::Fragment> router_function(const TableDraft& table, const Routing& routing);

// A predicate that is true for a row whose two shapes disagree; "false" when nothing can.
base::Result<sql::Fragment> mismatch(const TableDraft& table, const Routing& routing);

// A predicate that is true for a row that the backfill has still to visit.
sql::Fragment pending(const TableDraft& table, const Routing& routing);

// A volatile expression for the value of an added column in rows that are there.
sql::Fragment default_text(const ColumnDraft& column);

}  // namespace lockkeeper::plan
