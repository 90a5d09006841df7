#include "dbcore/plan/twins.h"

#include <fmt/format.h>

#include <algorithm>

#include "dbcore/sql/parse.h"

namespace lockkeeper::plan {
namespace {

using NameMap = std::map<std::string, std::string>;

// The part of the map that changes something among these columns.
NameMap moves(const NameMap& places, const std::vector<std::string>& columns) {
  NameMap out;
  for (const auto& column : columns) {
    const auto found = places.find(column);
    if (found != places.end() && found->second != column) out.insert(*found);
  }
  return out;
}

// A dropped column has no place: what reads it goes with it, unless something else keeps it.
bool reads_dropped(const TableDraft& table, const std::vector<std::string>& columns) {
  return std::any_of(table.columns.begin(), table.columns.end(), [&](const ColumnDraft& column) {
    return column.dropped &&
           std::find(columns.begin(), columns.end(), column.start->name) != columns.end();
  });
}

const ColumnDraft& by_start(const TableDraft& table, const std::string& name) {
  return *std::find_if(table.columns.begin(), table.columns.end(),
                       [&](const ColumnDraft& c) { return !c.added() && c.start->name == name; });
}

// The path to blame: of the operation that moves the first of these columns.
std::string blame(const TableDraft& table, const NameMap& moved) {
  return by_start(table, moved.begin()->first).path;
}

const catalog::Constraint* owner(const TableDraft& table, const catalog::Index& index) {
  return index.constraint.empty() ? nullptr : table.start->constraint(index.constraint);
}

// Whether an index cannot have a twin that behaves alike; a rename lives without, as the old
// column's own index goes on enforcing what it does.
bool without_twin(const TableDraft& table, const catalog::Index& index) {
  const auto* constraint = owner(table, index);
  return index.exclusion || (constraint != nullptr && constraint->deferrable);
}

class IndexTwins {
 public:
  IndexTwins(Draft& draft, const TableDraft& table, Twins& out)
      : draft_(&draft),
        table_(&table),
        now_(table.old_to_new_places()),
        last_(table.old_to_last_places()),
        out_(&out) {}

  base::Result<void> add(const catalog::Index& index) {
    if (!index.valid || reads_dropped(*table_, index.reads)) return base::ok();
    const auto now = moves(now_, index.reads);
    const auto last = moves(last_, index.reads);
    if (now.empty() && last.empty()) return base::ok();
    if (without_twin(*table_, index)) return odd_one(index, last);
    if (!last.empty() && !index.constraint.empty() &&
        table_->start->kind == catalog::TableKind::partitioned) {
      return refuse(blame(*table_, last),
                    fmt::format("key {} of partitioned table {} cannot move to another index",
                                index.name, table_->display()),
                    "copy into a new partitioned table instead, or drop the key first and add it "
                    "again in a quiet hour, by sql operations");
    }
    if (!last.empty()) push(index, last, true);
    if (!now.empty() && now != last) push(index, now, false);
    return base::ok();
  }

 private:
  void push(const catalog::Index& index, const NameMap& columns, bool lasts) {
    out_->indexes.push_back({&index, draft_->names().next(), lasts, columns});
  }

  base::Result<void> odd_one(const catalog::Index& index, const NameMap& last) {
    const std::string_view what = index.exclusion ? "exclusion" : "deferrable";
    if (last.empty()) {
      draft_->notice("NoTwin", "",
                     fmt::format("{} constraint {} of {} goes on by the old column name until "
                                 "contract; there is no index by the new one",
                                 what, index.name, table_->display()));
      return base::ok();
    }
    return refuse(blame(*table_, last),
                  fmt::format("{} constraint {} of {} cannot be built beside the old one", what,
                              index.name, table_->display()),
                  fmt::format("drop constraint {} first and add it again afterwards, by sql "
                              "operations",
                              index.name));
  }

  Draft* draft_;
  const TableDraft* table_;
  NameMap now_;
  NameMap last_;
  Twins* out_;
};

class ConstraintTwins {
 public:
  ConstraintTwins(Draft& draft, const TableDraft& table, Twins& out)
      : draft_(&draft),
        table_(&table),
        now_(table.old_to_new_places()),
        last_(table.old_to_last_places()),
        out_(&out) {}

  base::Result<void> add(const catalog::Constraint& constraint) {
    const bool check = constraint.kind == catalog::ConstraintKind::check;
    const bool reference = constraint.kind == catalog::ConstraintKind::foreign_key;
    if ((!check && !reference) || reads_dropped(*table_, constraint.columns)) return base::ok();
    const auto last = moves(last_, constraint.columns);
    if (!last.empty()) TRY_OK(push(constraint, last, true));
    // A check on the old name guards the new one too: the router keeps them alike.
    const auto now = moves(now_, constraint.columns);
    if (check || now.empty() || now == last) return base::ok();
    return push(constraint, now, false);
  }

 private:
  base::Result<void> push(const catalog::Constraint& constraint, const NameMap& columns,
                          bool lasts) {
    if (constraint.kind == catalog::ConstraintKind::foreign_key &&
        table_->start->kind == catalog::TableKind::partitioned) {
      return on_partitioned(constraint, columns, lasts);
    }
    ConstraintTwin twin{&constraint, draft_->names().next(), lasts, columns, {}};
    sql::parse::Retarget change;
    change.name = twin.name;
    change.columns = columns;
    change.not_valid = true;
    const auto definition = sql::format("ALTER TABLE {} ADD CONSTRAINT {} {}", table_->start->name,
                                        sql::Identifier::trusted(constraint.name),
                                        sql::Fragment::trusted(constraint.definition));
    auto add = sql::parse::retarget(definition.text(), change);
    if (!add.ok()) {
      return refuse(blame(*table_, columns),
                    fmt::format("constraint {} of {} cannot be re-targeted: {}", constraint.name,
                                table_->display(), add.error().message),
                    "drop the constraint first and add it again afterwards, by sql operations");
    }
    twin.add = std::move(add).value();
    out_->constraints.push_back(std::move(twin));
    return base::ok();
  }

  base::Result<void> on_partitioned(const catalog::Constraint& constraint, const NameMap& columns,
                                    bool lasts) {
    if (!lasts) {
      draft_->notice("NoTwin", "",
                     fmt::format("foreign key {} of partitioned table {} goes on by the old column "
                                 "name until contract",
                                 constraint.name, table_->display()));
      return base::ok();
    }
    return refuse(blame(*table_, columns),
                  fmt::format("foreign key {} of partitioned table {} cannot be added NOT VALID",
                              constraint.name, table_->display()),
                  "drop the foreign key first and add it again in a quiet hour, by sql operations");
  }

  Draft* draft_;
  const TableDraft* table_;
  NameMap now_;
  NameMap last_;
  Twins* out_;
};

}  // namespace

base::Result<Twins> twins(Draft& draft, const TableDraft& table) {
  Twins out;
  IndexTwins indexes(draft, table, out);
  for (const auto& index : table.start->indexes) TRY_OK(indexes.add(index));
  ConstraintTwins constraints(draft, table, out);
  for (const auto& constraint : table.start->constraints) TRY_OK(constraints.add(constraint));
  return out;
}

}  // namespace lockkeeper::plan
