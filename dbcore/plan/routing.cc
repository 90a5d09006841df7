// How the columns of a table fall into groups, and what must hold between them.
#include <algorithm>
#include <set>

#include "dbcore/plan/router.h"

namespace lockkeeper::plan {
namespace {

using sql::format;
using sql::Fragment;
using sql::Identifier;

bool reads_any(const Formula& formula, const std::set<std::string>& names) {
  return std::any_of(formula.columns.begin(), formula.columns.end(),
                     [&](const std::string& name) { return names.count(name) != 0; });
}

// Final names of the columns that the new version writes in a place of their own.
std::set<std::string> written_by_new(const TableDraft& table) {
  std::set<std::string> out;
  for (const auto& column : table.columns) {
    if (column.dropped) continue;
    if (column.computed() || column.renamed() || (column.retyped && column.visible)) {
      out.insert(column.name);
    }
  }
  return out;
}

// A dropped column is kept current only when its down reads what the new version alone writes.
bool keeps_current(const ColumnDraft& column, const std::set<std::string>& written) {
  return column.down && (!column.dropped || reads_any(*column.down, written));
}

class Grouping {
 public:
  explicit Grouping(const TableDraft& table) : table_(&table), written_(written_by_new(table)) {
    for (const auto& column : table.columns) {
      if (keeps_current(column, written_)) join_readers(column);
    }
    join_sources();
  }

  [[nodiscard]] bool contains(const ColumnDraft& column) const {
    return std::any_of(sets_.begin(), sets_.end(),
                       [&](const auto& set) { return set.count(&column) != 0; });
  }

  [[nodiscard]] std::vector<TwoWay> groups() const {
    std::vector<TwoWay> out;
    for (const auto& set : sets_) out.push_back(split(set));
    return out;
  }

 private:
  using Set = std::set<const ColumnDraft*>;

  // In the table's order, so that the same list gives the same text.
  [[nodiscard]] TwoWay split(const Set& set) const {
    TwoWay group;
    for (const auto& column : table_->columns) {
      if (set.count(&column) == 0) continue;
      if (keeps_current(column, written_)) group.olds.push_back(&column);
      if (!column.dropped && (column.shadowed() || column.computed()))
        group.news.push_back(&column);
    }
    return group;
  }

  void join_readers(const ColumnDraft& column) {
    Set set = {&column};
    for (const auto& other : table_->columns) {
      if (!other.dropped && written_.count(other.name) != 0 &&
          column.down->columns.count(other.name) != 0) {
        set.insert(&other);
      }
    }
    merge(std::move(set));
  }

  // Members whose up reads another member's old place are decided with it.
  void join_sources() {
    for (const auto& column : table_->columns) {
      if (!contains(column) || !column.up) continue;
      for (const auto& other : table_->columns) {
        if (!other.added() && contains(other) && column.up->columns.count(other.start->name) != 0) {
          merge({&column, &other});
        }
      }
    }
  }

  void merge(Set set) {
    std::vector<Set> rest;
    for (auto& known : sets_) {
      const bool meets = std::any_of(known.begin(), known.end(),
                                     [&](const ColumnDraft* c) { return set.count(c) != 0; });
      if (meets) {
        set.insert(known.begin(), known.end());
      } else {
        rest.push_back(std::move(known));
      }
    }
    rest.push_back(std::move(set));
    sets_ = std::move(rest);
  }

  const TableDraft* table_;
  std::set<std::string> written_;
  std::vector<Set> sets_;
};

void sort_in(const ColumnDraft& column, const Grouping& grouping, Routing& out) {
  if (grouping.contains(column)) return;
  if (column.dropped) {
    if (column.down) out.optional.push_back(&column);
  } else if (column.fills_by_default()) {
    out.defaulted.push_back(&column);
  } else if (column.shadowed() || column.computed()) {
    out.derived.push_back(&column);
  }
}

Fragment place(const std::string& name) {
  return format("{}", Identifier::trusted(name));
}

// The value as it would be stored: two images that differ are two values.
base::Result<Fragment> differs_from_up(const ColumnDraft& column) {
  TRY(const auto value, renamed(*column.up, {}));
  return format("pg_catalog.record_image_ne(ROW({}), ROW(CAST(({}) AS {})))", place(column.shadow),
                value, Fragment::trusted(column.type));
}

base::Result<Fragment> differs_from_down(const TableDraft& table, const ColumnDraft& column) {
  TRY(const auto value, renamed(*column.down, table.new_places()));
  return format("pg_catalog.record_image_ne(ROW({}), ROW(CAST(({}) AS {})))",
                place(column.start->name), value, Fragment::trusted(column.start->type));
}

// Either map may lose something; the row is wrong when neither direction explains it.
base::Result<std::optional<Fragment>> group_mismatch(const TableDraft& table, const TwoWay& group) {
  std::vector<Fragment> up;
  std::vector<Fragment> down;
  for (const auto* column : group.news) {
    // The new version may write an added column as it likes.
    if (!column->shadowed()) continue;
    TRY(auto part, differs_from_up(*column));
    up.push_back(std::move(part));
  }
  if (up.empty()) return std::optional<Fragment>{};
  // Plain copies lose nothing: one direction says it all.
  const bool plain = std::all_of(group.olds.begin(), group.olds.end(),
                                 [](const ColumnDraft* c) { return c->down->plain; });
  if (plain) return std::optional<Fragment>(sql::join(up, " OR "));
  for (const auto* column : group.olds) {
    TRY(auto part, differs_from_down(table, *column));
    down.push_back(std::move(part));
  }
  return std::optional<Fragment>(
      format("(({}) AND ({}))", sql::join(up, " OR "), sql::join(down, " OR ")));
}

}  // namespace

Routing routing(const TableDraft& table) {
  const Grouping grouping(table);
  Routing out;
  out.groups = grouping.groups();
  for (const auto& column : table.columns) {
    if (column.fill && !column.dropped) out.fills.push_back(&column);
    sort_in(column, grouping, out);
  }
  return out;
}

base::Result<Fragment> mismatch(const TableDraft& table, const Routing& routing) {
  std::vector<Fragment> parts;
  for (const auto& group : routing.groups) {
    TRY(auto part, group_mismatch(table, group));
    if (part) parts.push_back(std::move(*part));
  }
  for (const auto* column : routing.derived) {
    if (!column->shadowed()) continue;
    TRY(auto part, differs_from_up(*column));
    parts.push_back(std::move(part));
  }
  for (const auto& column : table.columns) {
    if (column.not_null && !column.dropped) {
      parts.push_back(format("{} IS NOT DISTINCT FROM NULL", place(column.last_place())));
    }
  }
  if (parts.empty()) return Fragment::trusted("false");
  return sql::join(parts, " OR ");
}

Fragment pending(const TableDraft& table, const Routing& routing) {
  auto mark = format("{} IS NULL", Identifier::trusted(marker));
  std::vector<Fragment> nulls;
  for (const auto* column : routing.fills) {
    nulls.push_back(format("{} IS NOT DISTINCT FROM NULL", place(column->start->name)));
  }
  const bool only_fills = routing.groups.empty() && routing.derived.empty() &&
                          routing.defaulted.empty() && !table.marked_backfill && !nulls.empty();
  if (!only_fills) return mark;
  return format("{} AND ({})", mark, sql::join(nulls, " OR "));
}

Fragment default_text(const ColumnDraft& column) {
  return column.default_value->formula.text;
}

}  // namespace lockkeeper::plan
