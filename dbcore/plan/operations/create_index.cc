#include "dbcore/plan/operations/create_index.h"

#include <fmt/format.h>

#include <algorithm>

#include "dbcore/plan/demands.h"

namespace lockkeeper::plan {
namespace {

bool one_of(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

base::Result<Formula> index_formula(const Draft& draft, const TableDraft& table,
                                    const std::string& text, const std::string& path) {
  TRY(auto out, formula(draft.start(), text, path));
  TRY_OK(reads_only(out, table.new_names(), table.display(), "as the operations so far leave it"));
  if (out.stable) {
    return refuse(path, "an index calls immutable functions only",
                  "name the time zone or format that it depends on");
  }
  return out;
}

base::Result<void> known_column(TableDraft& table, const std::string& name,
                                const std::string& path) {
  if (table.column(name) != nullptr) return base::ok();
  return refuse(path,
                fmt::format("column \"{}\" of table {} does not exist", name, table.display()),
                "operations are read in order: name the column as those before this one leave it");
}

base::Result<void> words(const IndexElement& element, const std::string& path) {
  if (!one_of(element.order, {"", "Asc", "Desc"})) {
    return refuse(path + ".order", fmt::format("\"{}\" is no order", element.order),
                  "write Asc or Desc");
  }
  if (!one_of(element.nulls, {"", "First", "Last"})) {
    return refuse(path + ".nulls", fmt::format("\"{}\" is no place for NULL", element.nulls),
                  "write First or Last");
  }
  if (!element.opclass.empty()) TRY_OK(collation_name(element.opclass, path + ".opclass"));
  if (!element.collation.empty()) TRY_OK(collation_name(element.collation, path + ".collation"));
  return base::ok();
}

base::Result<Formula> read_element(const Draft& draft, TableDraft& table,
                                   const IndexElement& element, const std::string& path) {
  if (element.name.empty() == element.expression.empty()) {
    return refuse(path, "an index element is either a column's name or an expression",
                  "give exactly one of name and expression");
  }
  TRY_OK(words(element, path));
  if (!element.expression.empty()) {
    return index_formula(draft, table, element.expression, path + ".expression");
  }
  TRY_OK(known_column(table, element.name, path + ".name"));
  return Formula{};
}

base::Result<void> read_elements(const CreateIndex& op, const Position& at, const Draft& draft,
                                 TableDraft& table, IndexDraft& index) {
  if (op.columns.empty()) {
    return refuse(at.field("columns"), "an index has at least one column", "name one");
  }
  for (std::size_t i = 0; i < op.columns.size(); ++i) {
    const auto path = fmt::format("{}[{}]", at.field("columns"), i);
    TRY(auto expression, read_element(draft, table, op.columns[i], path));
    index.expressions.push_back(std::move(expression));
  }
  for (std::size_t i = 0; i < op.include.size(); ++i) {
    TRY_OK(known_column(table, op.include[i], fmt::format("{}[{}]", at.field("include"), i)));
  }
  return base::ok();
}

base::Result<void> fits_the_server(const CreateIndex& op, const Position& at, const Draft& draft) {
  if (!op.method.empty()) {
    if (auto name = sql::Identifier::make(op.method); !name.ok()) {
      return refuse(at.field("method"), name.error().message,
                    "write btree, gin, gist, brin or hash");
    }
  }
  if (op.unique && !one_of(op.method, {"", "btree"})) {
    return refuse(at.field("unique"), fmt::format("a {} index cannot be unique", op.method),
                  "leave `method` or `unique` out");
  }
  if (!op.nulls_not_distinct) return base::ok();
  if (!op.unique) {
    return refuse(at.field("nullsNotDistinct"), "only a unique index compares NULLs",
                  "leave it out, or add unique: true");
  }
  if (draft.start().server.version_num < 150000) {
    return refuse(at.field("nullsNotDistinct"), "the server is older than 15 and does not know it",
                  "leave it out");
  }
  return base::ok();
}

// Each partition has only its own rows to compare.
base::Result<void> holds_partition_key(const CreateIndex& op, const Position& at,
                                       const TableDraft& table) {
  if (!op.unique) return base::ok();
  for (const auto& column : table.start->partition_columns) {
    const bool held = std::any_of(op.columns.begin(), op.columns.end(),
                                  [&](const IndexElement& e) { return e.name == column; });
    if (held) continue;
    return refuse(
        at.field("unique"),
        fmt::format("a unique index of a partitioned table holds the partition key \"{}\"", column),
        "add the column to the index, or leave `unique` out");
  }
  return base::ok();
}

// What only the server knows: access methods, operator classes and collations.
void ask_server(const CreateIndex& op, const Position& at, Draft& draft) {
  const sql::Literal method{op.method.empty() ? "btree" : op.method};
  draft.probe(
      {at.field("method"),
       sql::format("SELECT EXISTS (SELECT FROM pg_catalog.pg_am WHERE amname = {} AND amtype "
                   "= 'i')",
                   method)
           .text(),
       fmt::format("index method \"{}\" does not exist", method.value),
       "write btree, gin, gist, brin, hash or spgist"});
  for (std::size_t i = 0; i < op.columns.size(); ++i) {
    const auto path = fmt::format("{}[{}]", at.field("columns"), i);
    const auto& element = op.columns[i];
    if (!element.opclass.empty()) {
      const auto name = element.opclass.substr(element.opclass.find('.') + 1);
      draft.probe(
          {path + ".opclass",
           sql::format("SELECT EXISTS (SELECT FROM pg_catalog.pg_opclass AS o JOIN "
                       "pg_catalog.pg_am AS a ON a.oid = o.opcmethod WHERE opcname = {} AND "
                       "amname = {})",
                       sql::Literal{name}, method)
               .text(),
           fmt::format("operator class {} does not exist for method {}", element.opclass,
                       method.value),
           "operator classes of other schemas are written with their schema"});
    }
    if (auto name = collation_name(element.collation, path);
        !element.collation.empty() && name.ok()) {
      draft.probe({path + ".collation", sql::format("SELECT ''::text COLLATE {}", *name).text(), "",
                   "collations of other schemas are written with their schema"});
    }
  }
}

}  // namespace

base::Result<void> plan(const CreateIndex& op, const Position& at, const catalog::Catalog& now,
                        Draft& draft) {
  (void)now;
  TRY(auto* table, draft.table(op.table, at));
  TRY_OK(new_name(op.name, at.field("name")));
  TRY_OK(relation_is_free(draft, op.name, at.field("name")));
  TRY_OK(fits_the_server(op, at, draft));
  TRY_OK(holds_partition_key(op, at, *table));
  IndexDraft index;
  index.definition = op;
  index.operation = at.index;
  index.path = at.path;
  TRY_OK(read_elements(op, at, draft, *table, index));
  if (op.where) {
    TRY(index.where, index_formula(draft, *table, *op.where, at.field("where")));
  }
  ask_server(op, at, draft);
  table->indexes.push_back(std::move(index));
  return base::ok();
}

base::Result<catalog::Catalog> apply(const CreateIndex& op, const catalog::Catalog& now) {
  auto out = now;
  TRY(auto* table, table_of(out, op.table));
  catalog::Index index;
  index.name = op.name;
  index.method = op.method.empty() ? "btree" : op.method;
  index.unique = op.unique;
  index.partial = op.where.has_value();
  index.nulls_not_distinct = op.nulls_not_distinct;
  for (const auto& element : op.columns) {
    index.keys.push_back({element.name});
    if (!element.name.empty()) index.reads.push_back(element.name);
  }
  index.included = op.include;
  index.reads.insert(index.reads.end(), op.include.begin(), op.include.end());
  table->indexes.push_back(std::move(index));
  return out;
}

}  // namespace lockkeeper::plan
