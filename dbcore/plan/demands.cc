#include "dbcore/plan/demands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lockkeeper::plan {
namespace {

struct Action {
  std::string_view word;
  std::string_view text;
};

constexpr std::array actions = {
    Action{"", "NO ACTION"},        Action{"NoAction", "NO ACTION"},
    Action{"Restrict", "RESTRICT"}, Action{"Cascade", "CASCADE"},
    Action{"SetNull", "SET NULL"},  Action{"SetDefault", "SET DEFAULT"},
};

bool is_key(const catalog::Table& table, const std::string& column) {
  return std::any_of(table.indexes.begin(), table.indexes.end(), [&](const catalog::Index& index) {
    return index.unique && index.valid && !index.partial && index.immediate &&
           index.keys.size() == 1 && index.keys[0].name == column;
  });
}

}  // namespace

base::Result<void> relation_is_free(const Draft& draft, const std::string& name,
                                    const std::string& path) {
  const auto& known = draft.start().relation_names;
  bool taken = std::find(known.begin(), known.end(), name) != known.end();
  for (const auto& table : draft.tables) {
    taken = taken || std::any_of(table.indexes.begin(), table.indexes.end(),
                                 [&](const IndexDraft& i) { return i.definition.name == name; });
  }
  if (!taken) return base::ok();
  return refuse(path, fmt::format("\"{}\" exists in schema {}", name, draft.start().schema.raw()),
                "choose another name");
}

base::Result<void> constraint_is_free(const TableDraft& table, const std::string& name,
                                      const std::string& path) {
  const bool taken = table.start->constraint(name) != nullptr ||
                     std::any_of(table.checks.begin(), table.checks.end(),
                                 [&](const CheckDraft& c) { return c.name == name; }) ||
                     std::any_of(table.references.begin(), table.references.end(),
                                 [&](const ReferenceDraft& r) { return r.name == name; });
  if (!taken) return base::ok();
  return refuse(path, fmt::format("constraint \"{}\" of {} exists", name, table.display()),
                "choose another name");
}

base::Result<void> refuse_generated_sources(const TableDraft& table, const Formula& formula) {
  for (const auto& name : formula.columns) {
    const auto* column = table.start->column(name);
    if (column == nullptr || column->generated == catalog::GeneratedKind::none) continue;
    return refuse(formula.path,
                  fmt::format("column \"{}\" is generated: a trigger sees it as NULL", name),
                  "write out what generates it: " + column->default_expression);
  }
  return base::ok();
}

base::Result<sql::Fragment> collation_name(const std::string& text, const std::string& path) {
  const auto dot = text.find('.');
  auto last = sql::Identifier::make(dot == std::string::npos ? text : text.substr(dot + 1));
  if (!last.ok()) return refuse(path, last.error().message, "write a name such as de_DE");
  if (dot == std::string::npos) return sql::format("{}", *last);
  auto schema = sql::Identifier::make(text.substr(0, dot));
  if (!schema.ok()) return refuse(path, schema.error().message, "write a name such as app.german");
  return sql::format("{}", sql::QualifiedName{*schema, *last});
}

base::Result<sql::Fragment> referential_action(const std::string& word, const std::string& path) {
  for (const auto& action : actions) {
    if (action.word == word) return sql::Fragment::trusted(action.text);
  }
  return refuse(path, fmt::format("\"{}\" is no referential action", word),
                "write NoAction, Restrict, Cascade, SetNull or SetDefault");
}

base::Result<std::string> referenced_key(const catalog::Table& parent,
                                         const ReferencesClause& clause, const std::string& path) {
  if (!clause.columns.empty()) {
    const auto& name = clause.columns.front();
    if (parent.column(name) == nullptr) {
      return refuse(path + ".columns",
                    fmt::format("column \"{}\" of table {} does not exist", name, clause.table),
                    "name a column of the table that is referred to");
    }
    if (is_key(parent, name)) return name;
    return refuse(path + ".columns",
                  fmt::format("column \"{}\" of {} is not unique by itself", name, clause.table),
                  "refer to a column with a primary key or unique constraint of its own");
  }
  for (const auto& index : parent.indexes) {
    if (index.primary && index.keys.size() == 1) return index.keys[0].name;
  }
  return refuse(path + ".columns",
                fmt::format("table {} has no primary key of one column", clause.table),
                "name the column that is referred to");
}

}  // namespace lockkeeper::plan
