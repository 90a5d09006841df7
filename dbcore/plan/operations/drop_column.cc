#include "dbcore/plan/operations/drop_column.h"

#include <fmt/format.h>

#include <algorithm>

namespace lockkeeper::plan {
namespace {

bool fills_itself(const catalog::Column& column) {
  return !column.default_expression.empty() || column.identity != catalog::Identity::none;
}

base::Result<void> only_of_this_list(const ColumnDraft& column, const Position& at) {
  if (column.added()) {
    return refuse(at.path, fmt::format("column \"{}\" is added by this very list", column.name),
                  "leave both operations out");
  }
  if (column.renamed()) {
    return refuse(at.path, fmt::format("column \"{}\" is renamed and dropped", column.name),
                  fmt::format("drop \"{}\", and leave the rename out", column.start->name));
  }
  return base::ok();
}

base::Result<void> no_new_object_reads(const TableDraft& table, const ColumnDraft& column,
                                       const Position& at) {
  const auto reads = [&](const IndexDraft& index) {
    const auto& d = index.definition;
    return std::any_of(d.columns.begin(), d.columns.end(),
                       [&](const IndexElement& e) { return e.name == column.name; }) ||
           std::any_of(index.expressions.begin(), index.expressions.end(),
                       [&](const Formula& f) { return f.columns.count(column.name) != 0; }) ||
           std::find(d.include.begin(), d.include.end(), column.name) != d.include.end() ||
           (index.where && index.where->columns.count(column.name) != 0);
  };
  const bool used = std::any_of(table.indexes.begin(), table.indexes.end(), reads) ||
                    std::any_of(table.checks.begin(), table.checks.end(), [&](const CheckDraft& c) {
                      return c.expression.columns.count(column.name) != 0;
                    });
  if (!used) return base::ok();
  return refuse(
      at.path,
      fmt::format("an index or check that this list makes reads column \"{}\"", column.name),
      "leave one of the two out");
}

}  // namespace

base::Result<void> plan(const DropColumn& op, const Position& at, const catalog::Catalog& now,
                        Draft& draft) {
  (void)now;
  TRY(auto* table, draft.table(op.table, at));
  TRY(auto* column, draft.column(*table, op.column, at.field("column")));
  TRY_OK(only_of_this_list(*column, at));
  TRY_OK(no_new_object_reads(*table, *column, at));
  TRY_OK(claim_content(*column, at));
  if (column->start->not_null && !op.down && !fills_itself(*column->start)) {
    return refuse(at.field("down"),
                  fmt::format("column \"{}\" is NOT NULL without a default: the new version's rows "
                              "need a value for it until contract",
                              op.column),
                  "give `down`, an expression over the new version's columns");
  }
  if (op.down) {
    TRY(auto down, formula(draft.start(), *op.down, at.field("down")));
    column->down = std::move(down);
  }
  touch(*table, *column, at);
  column->dropped = true;
  return base::ok();
}

base::Result<catalog::Catalog> apply(const DropColumn& op, const catalog::Catalog& now) {
  auto out = now;
  TRY(auto* table, table_of(out, op.table));
  const auto gone = [&](const auto& list) {
    return std::find(list.begin(), list.end(), op.column) != list.end();
  };
  std::erase_if(table->columns, [&](const catalog::Column& c) { return c.name == op.column; });
  std::erase_if(table->indexes, [&](const catalog::Index& i) { return gone(i.reads); });
  std::erase_if(table->constraints, [&](const catalog::Constraint& c) { return gone(c.columns); });
  return out;
}

}  // namespace lockkeeper::plan
