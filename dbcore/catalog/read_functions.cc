#include "dbcore/catalog/read.h"
#include "dbcore/sql/parse.h"

namespace lockkeeper::catalog::detail {
namespace {

bool has_plain_default(const Column& column) {
  return !column.default_expression.empty() && column.generated == GeneratedKind::none;
}

std::string key(const sql::parse::FunctionName& name) {
  return name.schema.empty() ? name.name : name.schema + "." + name.name;
}

template <typename TableMap, typename Use>
void for_each_default(TableMap& tables, const Use& use) {
  for (auto& [id, table] : tables) {
    for (auto& column : table.columns) {
      if (has_plain_default(column)) use(column);
    }
  }
}

// Whether nothing in it is known to be volatile; what cannot be read may be.
bool is_volatile(const std::string& expression, const std::map<std::string, Function>& known) {
  const auto parsed = sql::parse::expression(expression);
  if (!parsed.ok()) return true;
  for (const auto& name : parsed->functions) {
    const auto found = known.find(key(name));
    if (found == known.end() || found->second.volatility == 'v') return true;
  }
  return false;
}

}  // namespace

void read_functions(const sql::Rows& rows, std::map<std::string, Function>& into) {
  for (const sql::Row row : rows) {
    Function function;
    function.schema = row.text(1);
    function.name = row.text(2);
    function.volatility = row.view(3).front();
    function.kind = row.view(4).front();
    into.insert_or_assign(row.text(0), std::move(function));
  }
}

std::set<std::string> default_functions(const Catalog& catalog) {
  std::set<std::string> names;
  const auto take = [&](const Column& column) {
    const auto parsed = sql::parse::expression(column.default_expression);
    if (!parsed.ok()) return;
    for (const auto& name : parsed->functions) names.insert(key(name));
  };
  for_each_default(catalog.tables, take);
  for_each_default(catalog.related, take);
  return names;
}

void mark_volatile_defaults(const std::map<std::string, Function>& known, Catalog& catalog) {
  const auto mark = [&](Column& column) {
    column.default_volatile = is_volatile(column.default_expression, known);
  };
  for_each_default(catalog.tables, mark);
  for_each_default(catalog.related, mark);
}

}  // namespace lockkeeper::catalog::detail
