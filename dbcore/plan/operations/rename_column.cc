#include "dbcore/plan/operations/rename_column.h"

#include <fmt/format.h>

#include "dbcore/plan/rename.h"

namespace lockkeeper::plan {

base::Result<void> plan(const RenameColumn& op, const Position& at, const catalog::Catalog& now,
                        Draft& draft) {
  (void)now;
  TRY(auto* table, draft.table(op.table, at));
  TRY(auto* column, draft.column(*table, op.from, at.field("from")));
  TRY_OK(new_name(op.to, at.field("to")));
  if (table->column(op.to) != nullptr) {
    return refuse(at.field("to"),
                  fmt::format("column \"{}\" of {} exists", op.to, table->display()),
                  "choose another name");
  }
  TRY_OK(rename_in_draft(*table, *column, op.to));
  touch(*table, *column, at);
  return base::ok();
}

base::Result<catalog::Catalog> apply(const RenameColumn& op, const catalog::Catalog& now) {
  auto out = now;
  TRY(auto* table, table_of(out, op.table));
  TRY_OK(rename_in_catalog(*table, op.from, op.to));
  return out;
}

}  // namespace lockkeeper::plan
