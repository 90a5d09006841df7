#include "crds/operation_codec.h"

#include <array>
#include <nlohmann/json.hpp>

#include "crds/rules.h"

namespace lockkeeper::crds {
namespace {

// In the order of the alternatives of plan::Operation.
constexpr std::array<std::string_view, std::variant_size_v<plan::Operation>> kinds = {
    "addColumn", "dropColumn", "renameColumn", "changeType", "setNotNull", "createIndex", "sql"};

constexpr std::array<std::string_view, 2> identities = {"Always", "ByDefault"};
constexpr std::array<std::string_view, 5> actions = {"NoAction", "Restrict", "Cascade", "SetNull",
                                                     "SetDefault"};
constexpr std::array<std::string_view, 2> orders = {"Asc", "Desc"};
constexpr std::array<std::string_view, 2> null_orders = {"First", "Last"};

constexpr Text type_name = {.required = true, .min = 1, .max = 255, .shape = &shapes::not_blank};
constexpr Text qualified_name = {.min = 1, .max = 127, .bytes = true};
constexpr Text operator_class = {.min = 1, .max = 255, .shape = &shapes::not_blank};
constexpr Text access_method = {.min = 1, .max = 63, .bytes = true};
constexpr Text comment = {.min = 1, .max = 10'240};
constexpr Text parameter = {.min = 1, .max = 63, .bytes = true};
constexpr List statements = {.max = 50};
constexpr List columns = {.required = true, .min = 1, .max = 32};

}  // namespace

void describe(Fields& f, plan::CheckClause& c) {
  f.text("name", c.name, rules::required_pg_name);
  f.text("expression", c.expression, rules::required_expression);
}

void describe(Fields& f, plan::ReferencesClause& r) {
  f.text("table", r.table, rules::table);
  f.texts("columns", r.columns, columns, rules::pg_name);
  f.text("name", r.name, rules::pg_name);
  f.text("onDelete", r.on_delete, {.one_of = actions});
  f.text("onUpdate", r.on_update, {.one_of = actions});
}

void describe(Fields& f, plan::ColumnDefinition& c) {
  f.text("name", c.name, rules::required_pg_name);
  f.text("type", c.type, type_name);
  f.boolean("nullable", c.nullable);
  f.text("default", c.default_expression, rules::expression);
  f.text("generated", c.generated, rules::expression);
  f.text("identity", c.identity, {.one_of = identities});
  f.text("collation", c.collation, qualified_name);
  f.boolean("unique", c.unique);
  f.object("check", c.check);
  f.object("references", c.references);
  f.text("comment", c.comment, comment);
  const int sources = int{c.default_expression.has_value()} + int{c.generated.has_value()} +
                      int{c.identity.has_value()};
  f.check(sources <= 1, "", "give at most one of default, generated and identity");
}

void describe(Fields& f, plan::AddColumn& o) {
  f.text("table", o.table, rules::table);
  f.object("column", o.column, Presence::required);
  f.text("up", o.up, rules::expression);
}

void describe(Fields& f, plan::DropColumn& o) {
  f.text("table", o.table, rules::table);
  f.text("column", o.column, rules::required_pg_name);
  f.text("down", o.down, rules::expression);
}

void describe(Fields& f, plan::RenameColumn& o) {
  f.text("table", o.table, rules::table);
  f.text("from", o.from, rules::required_pg_name);
  f.text("to", o.to, rules::required_pg_name);
  f.check(o.from != o.to, "to", "must differ from the old name");
}

void describe(Fields& f, plan::ChangeType& o) {
  f.text("table", o.table, rules::table);
  f.text("column", o.column, rules::required_pg_name);
  f.text("type", o.type, type_name);
  f.text("up", o.up, rules::expression);
  f.text("down", o.down, rules::expression);
  f.text("to", o.to, rules::pg_name);
}

void describe(Fields& f, plan::SetNotNull& o) {
  f.text("table", o.table, rules::table);
  f.text("column", o.column, rules::required_pg_name);
  f.text("up", o.up, rules::expression);
}

void describe(Fields& f, plan::IndexElement& e) {
  f.text("name", e.name, rules::pg_name);
  f.text("expression", e.expression, rules::expression);
  f.text("order", e.order, {.one_of = orders});
  f.text("nulls", e.nulls, {.one_of = null_orders});
  f.text("opclass", e.opclass, operator_class);
  f.text("collation", e.collation, qualified_name);
  f.check(e.name.empty() != e.expression.empty(), "", "needs exactly one of name and expression");
}

void describe(Fields& f, plan::CreateIndex& o) {
  f.text("table", o.table, rules::table);
  f.text("name", o.name, rules::required_pg_name);
  f.list("columns", o.columns, columns);
  f.boolean("unique", o.unique);
  f.text("method", o.method, access_method);
  f.texts("include", o.include, {.max = 32, .unique = true}, rules::pg_name);
  f.text("where", o.where, rules::expression);
  f.parameters("with", o.with, {.max = 16}, parameter);
  f.boolean("nullsNotDistinct", o.nulls_not_distinct);
}

void describe(Fields& f, plan::SqlBackfill& b) {
  f.text("table", b.table, rules::table);
  f.text("set", b.set, rules::required_expression);
  f.text("where", b.where, rules::expression);
}

void describe(Fields& f, plan::Sql& o) {
  f.texts("expand", o.expand, statements, rules::expression);
  f.object("backfill", o.backfill);
  f.texts("contract", o.contract, statements, rules::expression);
  f.texts("rollback", o.rollback, statements, rules::expression);
  f.boolean("irreversible", o.irreversible);
  f.check(!o.expand.empty() || !o.contract.empty() || o.backfill, "",
          "needs expand, backfill or contract");
}

void describe(Fields& f, plan::Operation& operation) {
  f.one_of(operation, kinds);
}

base::Result<plan::Operation> decode_operation(const Json& item, std::string_view path) {
  return read_strict<plan::Operation>(item, path);
}

Json encode_operation(const plan::Operation& operation) {
  return write(operation);
}

}  // namespace lockkeeper::crds
