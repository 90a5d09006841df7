#include "dbcore/plan/obstacles.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace lockkeeper::plan {
namespace {

bool holds(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string_view deed(const ColumnDraft& column) {
  return column.dropped ? "drop" : "replace";
}

base::Error obstacle(const ColumnDraft& column, std::string_view what, std::string hint) {
  return refuse(column.path,
                fmt::format("cannot {} column \"{}\": {} depends on it", deed(column),
                            column.start->name, what),
                std::move(hint));
}

constexpr std::string_view recreate =
    "drop it first by a sql operation, and make it again when this Migration is completed";

// Contract makes extended statistics again on the column that takes over, if they can be.
bool statistics_follow(const catalog::Catalog& catalog, const catalog::Table& table,
                       const ColumnDraft& column) {
  if (column.dropped) return false;
  for (const auto& [text, type] : catalog.types) {
    if (type.name == column.type && !type.has_equality) return false;
  }
  return std::none_of(table.statistics.begin(), table.statistics.end(),
                      [&](const auto& one) { return one.expressions; });
}

base::Result<void> own_objects(const catalog::Catalog& catalog, const catalog::Table& table,
                               const ColumnDraft& column) {
  const auto& name = column.start->name;
  const bool follow = statistics_follow(catalog, table, column);
  for (const auto& dependent : table.dependents) {
    if (dependent.column == name && !(follow && dependent.kind == "statistics")) {
      return obstacle(column, dependent.description, std::string(recreate));
    }
  }
  for (const auto& policy : table.policies) {
    if (holds(policy.reads, name)) {
      return obstacle(column, "policy " + policy.name, std::string(recreate));
    }
  }
  for (const auto& trigger : table.triggers) {
    if (holds(trigger.reads, name) || holds(trigger.update_of, name)) {
      return obstacle(column, "trigger " + trigger.name, std::string(recreate));
    }
  }
  return base::ok();
}

base::Result<void> references(const catalog::Table& table, const ColumnDraft& column) {
  for (const auto& reference : table.referenced_by) {
    if (holds(reference.referenced_columns, column.start->name)) {
      return obstacle(column,
                      fmt::format("foreign key {} of table {}", reference.constraint,
                                  reference.table_name.display()),
                      "drop that foreign key first and add it again afterwards, by sql operations");
    }
  }
  return base::ok();
}

// Who reads the whole row does not stand in a column's way.
bool view_reads(const catalog::View& view, const catalog::Table& table, const std::string& column) {
  return std::any_of(view.reads.begin(), view.reads.end(), [&](const auto& read) {
    return read.first == table.oid && read.second == column;
  });
}

base::Result<void> views_of(Draft& draft, const Prepared& prepared, const ColumnDraft& column) {
  for (const auto& view : draft.start().views) {
    if (!view_reads(view, *prepared.table->start, column.start->name)) continue;
    const auto what =
        fmt::format("{} {}", view.materialized ? "materialized view" : "view", view.name.display());
    if (column.dropped || view.materialized) return obstacle(column, what, std::string(recreate));
  }
  return base::ok();
}

base::Result<void> partition_key(const catalog::Table& table, const ColumnDraft& column) {
  if (!holds(table.partition_columns, column.start->name)) return base::ok();
  return refuse(column.path,
                fmt::format("column \"{}\" is in the partition key of {}", column.start->name,
                            table.name.display()),
                "rows are sent to their partition before any trigger sees them: copy into a new "
                "partitioned table instead");
}

base::Result<void> generated(const ColumnDraft& column) {
  if (column.start->generated == catalog::GeneratedKind::none) return base::ok();
  return refuse(column.path, fmt::format("column \"{}\" is generated", column.start->name),
                "triggers see a generated column as NULL: add a column with the new name, and drop "
                "this one");
}

// Views over views that are made again have to be made again too.
void collect_views(const Draft& draft, Prepared& prepared) {
  std::vector<const catalog::View*> out;
  for (const auto& view : draft.start().views) {
    const bool hit = std::any_of(prepared.table->columns.begin(), prepared.table->columns.end(),
                                 [&](const ColumnDraft& c) {
                                   return !c.added() && (c.retyped || c.native) &&
                                          view_reads(view, *prepared.table->start, c.start->name);
                                 });
    const bool above = std::any_of(out.begin(), out.end(), [&](const catalog::View* below) {
      return std::any_of(view.reads.begin(), view.reads.end(),
                         [&](const auto& read) { return read.first == below->oid; });
    });
    if (hit || above) out.push_back(&view);
  }
  prepared.views = std::move(out);
}

// The operation that makes the views stand in the way.
std::string changing_path(const Prepared& prepared) {
  for (const auto& column : prepared.table->columns) {
    if (column.retyped || column.native) return column.path;
  }
  return "spec.operations";
}

base::Result<void> views_can_be_made_again(const Prepared& prepared) {
  for (const auto* view : prepared.views) {
    if (!view->materialized) continue;
    return refuse(
        changing_path(prepared),
        fmt::format("materialized view {} reads a view over table {} whose column changes "
                    "its type",
                    view->name.display(), prepared.table->display()),
        std::string(recreate));
  }
  return base::ok();
}

base::Result<void> clear_column(Draft& draft, const Prepared& prepared, const ColumnDraft& column) {
  const auto& table = *prepared.table->start;
  const bool goes = column.dropped || column.retyped;
  if (goes || column.shadowed()) TRY_OK(partition_key(table, column));
  if (column.shadowed()) TRY_OK(generated(column));
  if (goes || column.native) {
    TRY_OK(own_objects(draft.start(), table, column));
    TRY_OK(views_of(draft, prepared, column));
  }
  if (goes) TRY_OK(references(table, column));
  return base::ok();
}

std::string child_object(const catalog::Table& child, const std::string& column) {
  for (const auto& index : child.indexes) {
    if (holds(index.reads, column)) return "index " + index.name;
  }
  for (const auto& constraint : child.constraints) {
    if (constraint.local && holds(constraint.columns, column)) {
      return "constraint " + constraint.name;
    }
  }
  return {};
}

base::Result<void> clear_child(Draft& draft, const ColumnDraft& column,
                               const catalog::Table& child) {
  const auto object = child_object(child, column.start->name);
  if (object.empty()) return base::ok();
  const auto what = fmt::format("{} of inheritance child {}", object, child.name.display());
  if (column.retyped) return obstacle(column, what, std::string(recreate));
  if (column.shadowed()) {
    draft.notice("NoTwin", "",
                 fmt::format("{} goes on by the old column name until contract", what));
  }
  return base::ok();
}

}  // namespace

base::Result<void> clear_children(Draft& draft, const Prepared& prepared) {
  for (const auto& relation : prepared.descendants) {
    const auto child = draft.start().related.find(relation.oid);
    if (child == draft.start().related.end()) continue;
    for (const auto& column : prepared.table->columns) {
      if (!column.added()) TRY_OK(clear_child(draft, column, child->second));
    }
  }
  return base::ok();
}

base::Result<void> clear_way(Draft& draft, Prepared& prepared) {
  for (const auto& column : prepared.table->columns) {
    if (!column.added()) TRY_OK(clear_column(draft, prepared, column));
  }
  collect_views(draft, prepared);
  return views_can_be_made_again(prepared);
}

}  // namespace lockkeeper::plan
