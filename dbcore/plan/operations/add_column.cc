#include "dbcore/plan/operations/add_column.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "dbcore/plan/demands.h"
#include "dbcore/plan/probes.h"
#include "dbcore/sql/parse.h"

namespace lockkeeper::plan {
namespace {

constexpr std::array<std::string_view, 6> system_columns = {"ctid", "xmin",     "xmax",
                                                            "cmin", "tableoid", "cmax"};

base::Result<void> name_is_free(TableDraft& table, const std::string& name,
                                const std::string& path) {
  if (std::find(system_columns.begin(), system_columns.end(), name) != system_columns.end()) {
    return refuse(path, fmt::format("\"{}\" is a system column's name", name),
                  "choose another name");
  }
  if (table.column(name) != nullptr) {
    return refuse(path, fmt::format("column \"{}\" of {} exists", name, table.display()),
                  "choose another name, or leave the operation out");
  }
  if (table.start->column(name) != nullptr) {
    return refuse(path,
                  fmt::format("column \"{}\" of {} is still in the table while both versions run",
                              name, table.display()),
                  "give the name free in one Migration, and take it in a second that requires it");
  }
  return base::ok();
}

base::Result<void> one_source(const AddColumn& op, const Position& at) {
  const auto& c = op.column;
  const int sources =
      (c.generated ? 1 : 0) + (c.identity ? 1 : 0) + (op.up || c.default_expression ? 1 : 0);
  if (sources > 1) {
    return refuse(at.field("column"),
                  "a column's value comes from one of generated, identity, or "
                  "default and up",
                  "leave the others out");
  }
  return base::ok();
}

base::Result<void> set_type(const AddColumn& op, const Position& at, Draft& draft,
                            ColumnDraft& column) {
  TRY(const auto* type, resolve_type(draft.start(), op.column.type, at.field("column.type")));
  if (type->constrained_domain && !draft.allows("rewrite")) {
    return refuse(at.field("column.type"),
                  fmt::format("adding a column of domain {} rewrites the table under an exclusive "
                              "lock",
                              type->name),
                  "use the domain's base type and a check, or list rewrite in safety.allow");
  }
  column.type = type->name;
  if (!op.column.collation) return base::ok();
  if (!type->collatable) {
    return refuse(at.field("column.collation"),
                  fmt::format("type {} has no collations", type->name), "leave the collation out");
  }
  TRY(const auto collation, collation_name(*op.column.collation, at.field("column.collation")));
  column.collation = collation.text();
  draft.probe(
      {at.field("column.collation"),
       sql::format("SELECT NULL::{} COLLATE {}", sql::Fragment::trusted(type->name), collation)
           .text(),
       "", "collations of other schemas are written with their schema"});
  return base::ok();
}

base::Result<void> set_up(const AddColumn& op, const Position& at, Draft& draft, TableDraft& table,
                          ColumnDraft& column) {
  if (!op.up) return base::ok();
  TRY(auto up, formula(draft.start(), *op.up, at.field("up")));
  TRY_OK(reads_only(up, table.old_names(), table.display(), "as the old version names it"));
  TRY_OK(refuse_generated_sources(table, up));
  probe_value(draft, up, table.start->name, column.type);
  column.up = std::move(up);
  return base::ok();
}

base::Result<void> set_default(const AddColumn& op, const Position& at, Draft& draft,
                               ColumnDraft& column) {
  if (!op.column.default_expression) return base::ok();
  TRY(auto value,
      default_formula(draft.start(), *op.column.default_expression, at.field("column.default")));
  probe_default(draft, value, column.type);
  column.default_value = std::move(value);
  return base::ok();
}

base::Result<void> set_identity(const AddColumn& op, const Position& at, Draft& draft,
                                ColumnDraft& column) {
  if (!op.column.identity) return base::ok();
  const auto path = at.field("column.identity");
  if (*op.column.identity != "Always" && *op.column.identity != "ByDefault") {
    return refuse(path, fmt::format("identity cannot be \"{}\"", *op.column.identity),
                  "write Always or ByDefault");
  }
  if (column.type != "bigint" && column.type != "integer" && column.type != "smallint") {
    return refuse(path, fmt::format("an identity column cannot be of type {}", column.type),
                  "use bigint");
  }
  column.sequence = draft.names().next();
  const sql::QualifiedName name{draft.start().schema, sql::Identifier::trusted(column.sequence)};
  Default next;
  next.formula.text =
      sql::format("pg_catalog.nextval({}::pg_catalog.regclass)", sql::Literal{name.quoted()});
  next.formula.path = path;
  next.is_volatile = true;
  column.default_value = std::move(next);
  return base::ok();
}

base::Result<void> set_generated(const AddColumn& op, const Position& at, Draft& draft,
                                 TableDraft& table, ColumnDraft& column) {
  if (!op.column.generated) return base::ok();
  const auto path = at.field("column.generated");
  TRY(auto value, formula(draft.start(), *op.column.generated, path));
  TRY_OK(reads_only(value, table.old_names(), table.display(), "as it is now"));
  if (value.stable) {
    return refuse(path, "a generated column calls immutable functions only",
                  "name the time zone or format it depends on, or use `up`");
  }
  if (!draft.allows("rewrite")) {
    return refuse(path, "adding a generated column rewrites the table under an exclusive lock",
                  "use `up` on an ordinary column, or list rewrite in safety.allow");
  }
  probe_value(draft, value, table.start->name, column.type);
  column.generated = std::move(value);
  return base::ok();
}

base::Result<void> set_not_null(const AddColumn& op, const Position& at, ColumnDraft& column) {
  if (op.column.nullable && !op.column.identity) return base::ok();
  const bool filled = column.up || column.default_value || column.generated;
  if (!filled) {
    return refuse(
        at.path,
        fmt::format("column \"{}\" is NOT NULL, and rows that are there have no value for "
                    "it",
                    op.column.name),
        "give `up` or `column.default`, or let it be nullable");
  }
  column.not_null = column.up || column.fills_by_default();
  return base::ok();
}

base::Result<void> add_unique(const AddColumn& op, const Position& at, const Draft& draft,
                              TableDraft& table) {
  if (!op.column.unique) return base::ok();
  if (table.start->kind == catalog::TableKind::partitioned) {
    return refuse(at.field("column.unique"),
                  "a unique constraint of a partitioned table holds the partition key",
                  "leave `unique` out, or add it on the partitions by sql operations");
  }
  IndexDraft index;
  index.definition.table = op.table;
  index.definition.name = object_name(op.table, op.column.name, "key");
  index.definition.columns.push_back({op.column.name, "", "", "", "", ""});
  index.definition.unique = true;
  index.expressions.resize(1);
  index.operation = at.index;
  index.path = at.field("column.unique");
  index.constraint = index.definition.name;
  TRY_OK(relation_is_free(draft, index.definition.name, index.path));
  table.indexes.push_back(std::move(index));
  return base::ok();
}

base::Result<void> add_check(const AddColumn& op, const Position& at, const Draft& draft,
                             TableDraft& table) {
  if (!op.column.check) return base::ok();
  const auto path = at.field("column.check");
  TRY_OK(new_name(op.column.check->name, path + ".name"));
  TRY_OK(constraint_is_free(table, op.column.check->name, path + ".name"));
  TRY(auto expression, formula(draft.start(), op.column.check->expression, path + ".expression"));
  auto names = table.new_names();
  names.insert(op.column.name);
  TRY_OK(reads_only(expression, names, table.display(), "as the operations so far leave it"));
  table.checks.push_back({op.column.check->name, std::move(expression), at.index});
  return base::ok();
}

base::Result<void> add_reference(const AddColumn& op, const Position& at, const Draft& draft,
                                 TableDraft& table) {
  if (!op.column.references) return base::ok();
  const auto path = at.field("column.references");
  const auto& clause = *op.column.references;
  const auto* parent = draft.start().table(clause.table);
  if (parent == nullptr) {
    return refuse(path + ".table", fmt::format("table \"{}\" does not exist", clause.table),
                  "name a table of the same schema");
  }
  if (clause.columns.size() > 1) {
    return refuse(path + ".columns", "one column refers to one column", "name one column");
  }
  if (table.start->kind == catalog::TableKind::partitioned) {
    return refuse(path, "a foreign key of a partitioned table cannot be added NOT VALID",
                  "add it in a quiet hour by a sql operation");
  }
  TRY_OK(referenced_key(*parent, clause, path));
  TRY_OK(referential_action(clause.on_delete, path + ".onDelete"));
  TRY_OK(referential_action(clause.on_update, path + ".onUpdate"));
  ReferenceDraft reference;
  reference.name =
      clause.name.empty() ? object_name(op.table, op.column.name, "fkey") : clause.name;
  TRY_OK(new_name(reference.name, path + ".name"));
  TRY_OK(constraint_is_free(table, reference.name, path + ".name"));
  reference.column = op.column.name;
  reference.clause = clause;
  reference.parent = parent;
  reference.operation = at.index;
  table.references.push_back(std::move(reference));
  return base::ok();
}

}  // namespace

base::Result<void> plan(const AddColumn& op, const Position& at, const catalog::Catalog& now,
                        Draft& draft) {
  (void)now;
  TRY(auto* table, draft.table(op.table, at));
  const auto name_path = at.field("column.name");
  TRY_OK(new_name(op.column.name, name_path));
  TRY_OK(name_is_free(*table, op.column.name, name_path));
  TRY_OK(one_source(op, at));
  ColumnDraft column;
  column.name = op.column.name;
  column.definition = op.column;
  TRY_OK(set_type(op, at, draft, column));
  TRY_OK(set_up(op, at, draft, *table, column));
  TRY_OK(set_default(op, at, draft, column));
  TRY_OK(set_identity(op, at, draft, column));
  TRY_OK(set_generated(op, at, draft, *table, column));
  TRY_OK(set_not_null(op, at, column));
  TRY_OK(add_unique(op, at, draft, *table));
  TRY_OK(add_check(op, at, draft, *table));
  TRY_OK(add_reference(op, at, draft, *table));
  if (column.up) column.content_path = at.path;
  touch(*table, column, at);
  table->columns.push_back(std::move(column));
  return base::ok();
}

base::Result<catalog::Catalog> apply(const AddColumn& op, const catalog::Catalog& now) {
  auto out = now;
  TRY(auto* table, table_of(out, op.table));
  TRY(const auto* type, resolve_type(now, op.column.type, ""));
  catalog::Column column;
  column.name = op.column.name;
  column.type = type->name;
  column.type_oid = type->oid;
  column.type_modifier = type->modifier;
  column.not_null = !op.column.nullable || op.column.identity.has_value();
  column.default_expression = op.column.default_expression.value_or("");
  if (op.column.generated) {
    column.generated = catalog::GeneratedKind::stored;
    column.default_expression = *op.column.generated;
  }
  if (op.column.identity) {
    column.identity =
        *op.column.identity == "Always" ? catalog::Identity::always : catalog::Identity::by_default;
  }
  column.comment = op.column.comment.value_or("");
  table->columns.push_back(std::move(column));
  return out;
}

}  // namespace lockkeeper::plan
