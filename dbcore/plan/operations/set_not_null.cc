#include "dbcore/plan/operations/set_not_null.h"

#include <fmt/format.h>

#include "dbcore/plan/demands.h"
#include "dbcore/plan/probes.h"

namespace lockkeeper::plan {
namespace {

base::Result<void> set_fill(const SetNotNull& op, const Position& at, Draft& draft,
                            TableDraft& table, ColumnDraft& column) {
  if (!op.up) return base::ok();
  if (column.added()) {
    return refuse(at.field("up"),
                  fmt::format("column \"{}\" is added by this very list", op.column),
                  "give `up` in addColumn");
  }
  TRY_OK(claim_content(column, at));
  TRY(auto up, formula(draft.start(), *op.up, at.field("up")));
  TRY_OK(reads_only(up, table.old_names(), table.display(), "as the old version names it"));
  TRY_OK(refuse_generated_sources(table, up));
  probe_value(draft, up, table.start->name, column.start->type);
  column.fill = std::move(up);
  return base::ok();
}

}  // namespace

base::Result<void> plan(const SetNotNull& op, const Position& at, const catalog::Catalog& now,
                        Draft& draft) {
  (void)now;
  TRY(auto* table, draft.table(op.table, at));
  TRY(auto* column, draft.column(*table, op.column, at.field("column")));
  const bool already = column->added() ? !column->definition->nullable : column->start->not_null;
  if (already || column->not_null) {
    return refuse(at.field("column"), fmt::format("column \"{}\" is NOT NULL already", op.column),
                  "leave the operation out");
  }
  if (column->added() && !column->up && !column->default_value) {
    return refuse(
        at.path, fmt::format("added column \"{}\" has no value for rows that are there", op.column),
        "give `up` or `column.default` in addColumn");
  }
  TRY_OK(set_fill(op, at, draft, *table, *column));
  column->not_null = true;
  touch(*table, *column, at);
  return base::ok();
}

base::Result<catalog::Catalog> apply(const SetNotNull& op, const catalog::Catalog& now) {
  auto out = now;
  TRY(auto* table, table_of(out, op.table));
  TRY(auto* column, column_of(*table, op.column));
  column->not_null = true;
  return out;
}

}  // namespace lockkeeper::plan
