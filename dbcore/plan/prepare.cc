#include <fmt/format.h>

#include <algorithm>

#include "dbcore/plan/native.h"
#include "dbcore/plan/obstacles.h"
#include "dbcore/plan/prepared.h"

namespace lockkeeper::plan {
namespace {

// A rename and a change of type of one column are one mapping: the new name shows the new type.
void decide_form(ColumnDraft& column) {
  if (column.native && column.renamed()) {
    column.native = false;
    column.retyped = true;
  }
  column.visible = column.retyped && column.renamed();
}

base::Result<void> choose_shadow(Draft& draft, const TableDraft& table, ColumnDraft& column) {
  if (!column.retyped && !column.renamed()) return base::ok();
  if (column.retyped && !column.visible) {
    column.shadow = draft.names().next();
    return base::ok();
  }
  if (table.start->column(column.name) != nullptr) {
    return refuse(column.path,
                  fmt::format("column \"{}\" of {} is still in the table while both versions run",
                              column.name, table.display()),
                  "give the name free in one Migration, and take it in a second that requires it");
  }
  column.shadow = column.name;
  return base::ok();
}

base::Result<void> need_safe_cast(const ColumnDraft& column, const std::string& from,
                                  const std::string& to, std::string_view field) {
  if (cast_cannot_fail(from, to)) return base::ok();
  return refuse(column.content_path + "." + std::string(field),
                fmt::format("`{}` is needed: the cast from {} to {} can fail or lose something",
                            field, from, to),
                fmt::format("write the expression that gives a {} from the row", to));
}

base::Result<void> complete_up(ColumnDraft& column) {
  if (column.up) return base::ok();
  if (column.retyped) TRY_OK(need_safe_cast(column, column.start->type, column.type, "up"));
  column.up = column_formula(column.start->name, column.path);
  return base::ok();
}

base::Result<void> complete_down(const TableDraft& table, ColumnDraft& column) {
  if (column.retyped && !column.visible) {
    if (!column.down) return base::ok();
    return refuse(column.content_path + ".down",
                  "the new version cannot write the new type before contract, so nothing would use "
                  "`down`",
                  "leave `down` out, or give the new column a name with `to`");
  }
  if (column.down) {
    return reads_only(*column.down, table.new_names(), table.display(),
                      "as the new version names it, after all operations");
  }
  if (column.retyped) TRY_OK(need_safe_cast(column, column.type, column.start->type, "down"));
  column.down = column_formula(column.name, column.path);
  return base::ok();
}

base::Result<void> complete_dropped(const TableDraft& table, const ColumnDraft& column) {
  if (!column.down) return base::ok();
  return reads_only(*column.down, table.new_names(), table.display(),
                    "as the new version names it, after all operations");
}

base::Result<void> complete(Draft& draft, const TableDraft& table, ColumnDraft& column) {
  if (column.dropped) return complete_dropped(table, column);
  if (column.added()) return base::ok();
  decide_form(column);
  column.plain_cast =
      column.retyped && !column.up && cast_cannot_fail(column.start->type, column.type);
  TRY_OK(choose_shadow(draft, table, column));
  if (!column.shadowed()) return base::ok();
  TRY_OK(complete_up(column));
  TRY_OK(complete_down(table, column));
  // The second column is proven not to hold NULL before it takes over.
  if (column.retyped && column.start->not_null) column.not_null = true;
  return base::ok();
}

void collect_descendants(const catalog::Catalog& catalog, const catalog::Table& table,
                         std::vector<Relation>& out) {
  for (const auto& [oid, name] : table.children) {
    out.push_back({oid, name.schema.raw(), name.name.raw(), false});
    const auto related = catalog.related.find(oid);
    if (related != catalog.related.end()) collect_descendants(catalog, related->second, out);
  }
}

catalog::Oid oid_of(const catalog::Catalog& catalog, const catalog::Table& table,
                    const sql::QualifiedName& name) {
  for (const auto& [oid, child] : table.children) {
    if (child == name) return oid;
  }
  for (const auto& [oid, related] : catalog.related) {
    if (related.name == name) return oid;
  }
  return 0;
}

void find_rows(const Draft& draft, Prepared& out) {
  const auto& table = *out.table->start;
  if (out.partitioned()) {
    out.leaves = leaf_relations(draft.start(), table);
  } else if (!table.children.empty()) {
    collect_descendants(draft.start(), table, out.descendants);
    out.leaves.push_back(out.table->relation());
    out.leaves.insert(out.leaves.end(), out.descendants.begin(), out.descendants.end());
  }
  // Indexes are not inherited: the parent's key says nothing about its children's rows.
  if (out.descendants.empty()) out.key = row_key(table);
}

bool needs_proof(const ColumnDraft& column) {
  return column.not_null && !column.dropped;
}

void choose_names(Draft& draft, Prepared& out) {
  for (const auto& column : out.table->columns) {
    if (needs_proof(column)) out.proofs.push_back({&column, draft.names().next()});
  }
  if (out.routing.empty()) return;
  out.table->function = draft.names().next_function();
  out.table->trigger = draft.names().trigger();
}

base::Result<void> no_name_is_taken(const Prepared& prepared) {
  for (const auto& column : prepared.table->columns) {
    if (!column.shadowed() || column.visible || column.renamed()) continue;
    if (prepared.table->start->column(column.shadow) != nullptr) {
      return refuse(column.path,
                    fmt::format("column {} of {} is left from an earlier rollout of this Migration",
                                column.shadow, prepared.table->display()),
                    "drop that column");
    }
  }
  return base::ok();
}

// The first operation for which the table needs the router.
std::string routing_path(const Prepared& prepared) {
  for (const auto& column : prepared.table->columns) {
    if (column.shadowed() || column.computed()) return column.path;
  }
  return "spec.operations";
}

// PostgreSQL fires triggers by the bytes of their names. One after ours changes what was routed.
base::Result<void> router_is_last(const Prepared& prepared, const catalog::Table& table) {
  for (const auto& trigger : table.triggers) {
    const bool writes = trigger.row && trigger.before && (trigger.on_insert || trigger.on_update);
    if (!writes || trigger.enabled == 'D' || trigger.name < prepared.table->trigger) continue;
    return refuse(
        routing_path(prepared),
        fmt::format("trigger \"{}\" of {} fires after the router {}, which would not see "
                    "what it changes",
                    trigger.name, table.name.display(), prepared.table->trigger),
        fmt::format("give it a name that sorts before \"~\": ALTER TRIGGER {} ON {} "
                    "RENAME TO ...",
                    sql::Identifier::trusted(trigger.name).quoted(), table.name.quoted()));
  }
  return base::ok();
}

base::Result<void> routers_are_last(const Draft& draft, const Prepared& prepared) {
  if (!prepared.table->routed()) return base::ok();
  TRY_OK(router_is_last(prepared, *prepared.table->start));
  for (const auto& child : prepared.descendants) {
    const auto related = draft.start().related.find(child.oid);
    if (related != draft.start().related.end()) TRY_OK(router_is_last(prepared, related->second));
  }
  return base::ok();
}

bool all_not_null(const catalog::Table& table, const catalog::Index& index) {
  return std::all_of(index.keys.begin(), index.keys.end(), [&](const catalog::IndexColumn& key) {
    const auto* column = key.name.empty() ? nullptr : table.column(key.name);
    return column != nullptr && column->not_null;
  });
}

}  // namespace

std::vector<Relation> leaf_relations(const catalog::Catalog& catalog, const catalog::Table& table) {
  std::vector<Relation> out;
  for (const auto& leaf : table.partitions) {
    out.push_back({oid_of(catalog, table, leaf), leaf.schema.raw(), leaf.name.raw(), false});
  }
  return out;
}

std::vector<std::string> row_key(const catalog::Table& table) {
  const catalog::Index* best = nullptr;
  for (const auto& index : table.indexes) {
    const bool usable = index.valid && index.unique && index.immediate && !index.partial &&
                        index.method == "btree" && all_not_null(table, index);
    if (!usable) continue;
    const bool better = best == nullptr || index.primary ||
                        (!best->primary && index.keys.size() < best->keys.size());
    if (better) best = &index;
  }
  std::vector<std::string> out;
  if (best == nullptr) return out;
  for (const auto& key : best->keys) out.push_back(key.name);
  return out;
}

std::vector<std::string> Prepared::passing_columns() const {
  std::vector<std::string> out;
  if (table->marked()) out.emplace_back(marker);
  for (const auto& column : table->columns) {
    if (column.shadowed() && !column.retyped) out.push_back(column.shadow);
  }
  return out;
}

std::vector<std::string> Prepared::added_columns() const {
  std::vector<std::string> out;
  for (const auto& column : table->columns) {
    if (column.added()) out.push_back(column.name);
    if (column.shadowed()) out.push_back(column.shadow);
  }
  if (table->marked()) out.emplace_back(marker);
  return out;
}

base::Result<Prepared> prepare(Draft& draft, TableDraft& table) {
  Prepared out;
  out.table = &table;
  for (auto& column : table.columns) TRY_OK(complete(draft, table, column));
  TRY_OK(clear_way(draft, out));
  out.routing = routing(table);
  TRY(out.twins, twins(draft, table));
  choose_names(draft, out);
  TRY_OK(no_name_is_taken(out));
  find_rows(draft, out);
  TRY_OK(routers_are_last(draft, out));
  TRY_OK(clear_children(draft, out));
  return out;
}

}  // namespace lockkeeper::plan
