#include "dbcore/plan/operations/change_type.h"

#include <fmt/format.h>

#include "dbcore/plan/demands.h"
#include "dbcore/plan/native.h"
#include "dbcore/plan/probes.h"
#include "dbcore/plan/rename.h"

namespace lockkeeper::plan {
namespace {

base::Result<void> new_column_name(const ChangeType& op, const Position& at, TableDraft& table) {
  if (!op.to) return base::ok();
  TRY_OK(new_name(*op.to, at.field("to")));
  if (table.column(*op.to) == nullptr) return base::ok();
  return refuse(at.field("to"), fmt::format("column \"{}\" of {} exists", *op.to, table.display()),
                "choose another name, or leave `to` out to keep the present one");
}

base::Result<const catalog::Type*> new_type(const ChangeType& op, const Position& at,
                                            const Draft& draft, const ColumnDraft& column) {
  const auto path = at.field("type");
  TRY(const auto* type, resolve_type(draft.start(), op.type, path));
  if (type->constrained_domain) {
    return refuse(path,
                  fmt::format("adding a column of domain {} rewrites the table under an exclusive "
                              "lock",
                              type->name),
                  "use the domain's base type and a check");
  }
  if (type->name == column.type && !op.up) {
    return refuse(path, fmt::format("column \"{}\" is of type {} already", op.column, type->name),
                  "leave the operation out");
  }
  return type;
}

base::Result<void> set_up(const ChangeType& op, const Position& at, Draft& draft, TableDraft& table,
                          ColumnDraft& column) {
  if (!op.up) return base::ok();
  TRY(auto up, formula(draft.start(), *op.up, at.field("up")));
  TRY_OK(reads_only(up, table.old_names(), table.display(), "as the old version names it"));
  TRY_OK(refuse_generated_sources(table, up));
  probe_value(draft, up, table.start->name, column.type);
  column.up = std::move(up);
  return base::ok();
}

}  // namespace

base::Result<void> plan(const ChangeType& op, const Position& at, const catalog::Catalog& now,
                        Draft& draft) {
  (void)now;
  TRY(auto* table, draft.table(op.table, at));
  TRY(auto* column, draft.column(*table, op.column, at.field("column")));
  if (column->added()) {
    return refuse(at.path, fmt::format("column \"{}\" is added by this very list", op.column),
                  "write the final type in addColumn");
  }
  TRY_OK(new_column_name(op, at, *table));
  TRY(const auto* type, new_type(op, at, draft, *column));
  TRY_OK(claim_content(*column, at));
  column->type = type->name;
  if (!type->collatable) column->collation.clear();
  column->native = !op.up && !op.down && !op.to &&
                   metadata_only(draft.start().server, *table->start, *column->start, *type);
  column->retyped = !column->native;
  TRY_OK(set_up(op, at, draft, *table, *column));
  if (op.down) {
    TRY(auto down, formula(draft.start(), *op.down, at.field("down")));
    column->down = std::move(down);
  }
  if (op.to) TRY_OK(rename_in_draft(*table, *column, *op.to));
  touch(*table, *column, at);
  return base::ok();
}

base::Result<catalog::Catalog> apply(const ChangeType& op, const catalog::Catalog& now) {
  auto out = now;
  TRY(auto* table, table_of(out, op.table));
  TRY(auto* column, column_of(*table, op.column));
  TRY(const auto* type, resolve_type(now, op.type, ""));
  column->type = type->name;
  column->type_oid = type->oid;
  column->type_modifier = type->modifier;
  if (op.to) TRY_OK(rename_in_catalog(*table, op.column, *op.to));
  return out;
}

}  // namespace lockkeeper::plan
