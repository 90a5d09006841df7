#include "dbcore/plan/probes.h"

#include <fmt/format.h>

#include <algorithm>

namespace lockkeeper::plan {
namespace {

using sql::format;
using sql::Fragment;
using sql::Identifier;
using sql::Literal;

Fragment trusted(std::string_view text) {
  return Fragment::trusted(text);
}

// What an assignment in PL/pgSQL or a default does by a cast of PostgreSQL's own, without going
// through text: from one array to another the elements decide, which the server says at run time.
Fragment assignable(const Fragment& source_type, const std::string& type) {
  return format(
      "SELECT s.oid = d.oid OR d.typcategory = 'S' OR (s.typcategory = 'A' AND d.typcategory = "
      "'A') "
      "OR COALESCE(NULLIF(d.typbasetype, 0), d.oid) = COALESCE(NULLIF(s.typbasetype, 0), s.oid) OR "
      "EXISTS (SELECT FROM pg_catalog.pg_cast WHERE castsource = COALESCE(NULLIF(s.typbasetype, "
      "0), "
      "s.oid) AND casttarget = COALESCE(NULLIF(d.typbasetype, 0), d.oid) AND castcontext IN ('i', "
      "'a')) FROM pg_catalog.pg_type AS s, pg_catalog.pg_type AS d WHERE s.oid = {} AND d.oid = "
      "{}::pg_catalog.regtype",
      source_type, Literal{type});
}

// A constant is tried out; anything else is type-checked without a row.
void probe_typed(Draft& draft, const Formula& value, const Fragment& from,
                 const std::string& type) {
  if (value.constant) {
    const auto cast = format("CAST(({}) AS {})", value.text, trusted(type));
    draft.probe({value.path,
                 format("SELECT {} IS NULL OR pg_catalog.length(CAST(({}) AS text)) <= "
                        "pg_catalog.length(CAST({} AS text)) OR '{}' NOT LIKE 'character%'",
                        cast, value.text, cast, trusted(type))
                     .text(),
                 fmt::format("the value is too long for type {}", type), "shorten it"});
    return;
  }
  const auto source =
      format("pg_catalog.pg_typeof((SELECT {} FROM {} LIMIT 0))::pg_catalog.oid", value.text, from);
  draft.probe({value.path, assignable(source, type).text(),
               fmt::format("the expression's type cannot be assigned to type {}", type),
               fmt::format("cast it: CAST(({}) AS {})", value.text.text(), type)});
}

// The row as the new version names it.
Fragment new_row(const TableDraft& table) {
  std::vector<Fragment> columns;
  for (const auto& column : table.columns) {
    if (column.dropped) continue;
    // Until contract the new version sees the old type where the new column is hidden.
    const bool hidden = column.retyped && !column.visible;
    const auto& type = hidden ? column.start->type : column.type;
    columns.push_back(format("NULL::{} AS {}", trusted(type), Identifier::trusted(column.name)));
  }
  return format("(SELECT {}) AS new_row", sql::join(columns));
}

}  // namespace

void probe_value(Draft& draft, const Formula& value, const sql::QualifiedName& table,
                 const std::string& type) {
  probe_typed(draft, value, format("{}", table), type);
}

void probe_default(Draft& draft, const Default& value, const std::string& type) {
  if (!value.is_volatile && value.formula.constant) {
    probe_typed(draft, value.formula, {}, type);
    return;
  }
  // LIMIT 0: a sequence is not moved by asking.
  probe_typed(draft, value.formula, trusted("(SELECT 1) AS nothing"), type);
}

base::Result<void> probe_new_shape(Draft& draft, const Prepared& prepared) {
  const auto& table = *prepared.table;
  const auto from = new_row(table);
  for (const auto& column : table.columns) {
    if (column.down && !column.down->plain) {
      probe_typed(draft, *column.down, from, column.start->type);
    }
  }
  for (const auto& check : table.checks) probe_typed(draft, check.expression, from, "boolean");
  for (const auto& index : table.indexes) {
    if (index.where) probe_typed(draft, *index.where, from, "boolean");
    for (const auto& expression : index.expressions) {
      if (expression.text.empty()) continue;
      draft.probe({expression.path,
                   format("SELECT {} FROM {} LIMIT 0", expression.text, from).text(), "", ""});
    }
  }
  return base::ok();
}

void probe_views(Draft& draft, const Prepared& prepared) {
  const auto& columns = prepared.table->columns;
  const auto changing = std::find_if(columns.begin(), columns.end(),
                                     [](const ColumnDraft& c) { return c.retyped || c.native; });
  if (changing == columns.end()) return;
  for (const auto* view : prepared.views) {
    const auto relation = format("pg_catalog.to_regclass({})", Literal{view->name.quoted()});
    const auto question = format(
        "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_description WHERE objoid = {0} AND objsubid "
        "> "
        "0) AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = {0} AND attacl IS "
        "NOT NULL) AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_type "
        "AS "
        "t ON t.oid = d.refobjid WHERE d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass "
        "AND "
        "t.typrelid = {0} AND d.deptype = 'n') AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend "
        "WHERE refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND refobjid = {0} AND "
        "deptype = 'n' AND classid <> 'pg_catalog.pg_rewrite'::pg_catalog.regclass)",
        relation);
    draft.probe(
        {prepared.table->display(), question.text(),
         fmt::format("view {} reads a column that changes its type, and has triggers, column "
                     "defaults, column comments, column grants or dependents that cannot be "
                     "made again",
                     view->name.display()),
         "drop the view first by a sql operation, and make it again afterwards"});
  }
}

void probe_children(Draft& draft, const Prepared& prepared) {
  if (prepared.descendants.empty()) return;
  std::vector<Fragment> children;
  for (const auto& child : prepared.descendants) children.push_back(format("{}", child.oid));
  for (const auto& column : prepared.table->columns) {
    if (!column.retyped && !column.dropped) continue;
    draft.probe({column.path,
                 format("SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid IN "
                        "({}) AND attname = {} AND attislocal)",
                        sql::join(children), Literal{column.start->name})
                     .text(),
                 fmt::format("an inheritance child of {} declares column \"{}\" itself and would "
                             "keep it",
                             prepared.table->display(), column.start->name),
                 "change the children in a way of their own, by sql operations"});
  }
}

}  // namespace lockkeeper::plan
