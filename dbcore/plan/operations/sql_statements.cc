#include "dbcore/plan/operations/sql_statements.h"

#include <fmt/format.h>

#include "dbcore/plan/sql_judge.h"
#include "dbcore/sql/parse.h"

namespace lockkeeper::plan {
namespace {

base::Result<void> way_back(const Sql& op, const Position& at) {
  const bool changes = !op.expand.empty() || op.backfill.has_value();
  if (!changes && op.contract.empty()) {
    return refuse(at.path, "the operation does nothing", "give expand, backfill or contract");
  }
  if (!op.rollback.empty() && op.irreversible) {
    return refuse(at.field("irreversible"), "an operation is irreversible or has a rollback",
                  "leave one of the two out");
  }
  if (changes && op.rollback.empty() && !op.irreversible) {
    return refuse(at.field("rollback"), "there is no way back from these statements",
                  "give the statements that undo them, or say irreversible: true");
  }
  if (!changes && (!op.rollback.empty() || op.irreversible)) {
    return refuse(at.path, "there is nothing to roll back before contract",
                  "leave `rollback` and `irreversible` out");
  }
  return base::ok();
}

// The SET list stands between UPDATE and WHERE of our own: it must be nothing more.
base::Result<void> only_assignments(const sql::QualifiedName& table, const std::string& set,
                                    const std::string& path) {
  const auto text =
      fmt::format("UPDATE {} SET {}\nFROM pg_catalog.pg_class WHERE true", table.quoted(), set);
  const auto parsed = sql::parse::statements(text);
  if (parsed.ok() && parsed->size() == 1 &&
      parsed->front().kind == sql::parse::StatementKind::update &&
      parsed->front().relations.size() == 2) {
    return base::ok();
  }
  return refuse(path, "`set` is no list of assignments",
                "write column = expression, separated by commas");
}

base::Result<void> plan_backfill(const Sql& op, const Position& at, Draft& draft) {
  if (!op.backfill) return base::ok();
  const Position inside{at.index, at.field("backfill")};
  TRY(auto* table, draft.table(op.backfill->table, inside));
  TRY_OK(only_assignments(table->start->name, op.backfill->set, inside.field("set")));
  if (!op.backfill->where.empty()) {
    // Columns that `expand` adds are not known here, so only the form is judged.
    const auto where = sql::parse::expression(op.backfill->where);
    if (!where.ok()) {
      return refuse(inside.field("where"), where.error().message,
                    "write a condition over the row's columns");
    }
    if (where->has_subquery || where->has_aggregate_or_window || where->has_parameter) {
      return refuse(inside.field("where"), "a condition sees one row: no subquery or aggregate",
                    "write a condition over the row's columns");
    }
    return base::ok();
  }
  if (table->marked_backfill) {
    return refuse(inside.path, "two backfills of one table without `where`",
                  "give `where`, a condition that the assignments make false");
  }
  table->marked_backfill = *op.backfill;
  return base::ok();
}

}  // namespace

base::Result<void> plan(const Sql& op, const Position& at, const catalog::Catalog& now,
                        Draft& draft) {
  (void)now;
  TRY_OK(way_back(op, at));
  TRY_OK(plan_backfill(op, at, draft));
  draft.statements.push_back({&op, at.index, at.path});
  return base::ok();
}

// What free statements change is not known: operations that build on it belong to a later
// Migration.
base::Result<catalog::Catalog> apply(const Sql& op, const catalog::Catalog& now) {
  (void)op;
  return now;
}

}  // namespace lockkeeper::plan
