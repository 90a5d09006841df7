#include "dbcore/plan/formula.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dbcore/plan/refusal.h"
#include "dbcore/sql/parse.h"

namespace lockkeeper::plan {
namespace {

struct Judged {
  Formula formula;
  bool is_volatile = false;
  std::string volatile_function;
};

base::Result<void> judge_function(const catalog::Catalog& catalog,
                                  const sql::parse::FunctionName& name, Judged& judged) {
  const std::string shown = name.schema.empty() ? name.name : name.schema + "." + name.name;
  const auto found = catalog.functions.find(shown);
  if (found == catalog.functions.end()) {
    return refuse(
        judged.formula.path, fmt::format("function {} does not exist", shown),
        "functions outside pg_catalog are written with their schema, such as app." + name.name);
  }
  if (found->second.kind == 'a' || found->second.kind == 'w') {
    return refuse(judged.formula.path, fmt::format("{} is an aggregate or window function", shown),
                  "an expression sees one row; compute from its columns only");
  }
  if (found->second.volatility == 's') judged.formula.stable = true;
  if (found->second.volatility == 'v') {
    judged.is_volatile = true;
    judged.volatile_function = shown;
  }
  return base::ok();
}

base::Result<void> judge_shape(const sql::parse::Expression& parsed, const std::string& path) {
  if (parsed.has_subquery) {
    return refuse(path, "an expression may not hold a subquery",
                  "it sees one row; fill a column from another table with a sql operation");
  }
  if (parsed.has_aggregate_or_window) {
    return refuse(path, "an expression may not hold an aggregate or window function",
                  "it sees one row; compute from its columns only");
  }
  if (parsed.has_parameter) {
    return refuse(path, "an expression may not hold a parameter such as $1",
                  "write the value itself");
  }
  if (parsed.qualified_columns) {
    return refuse(path, "an expression names columns without their table",
                  "write name, not users.name");
  }
  return base::ok();
}

base::Result<Judged> judge(const catalog::Catalog& catalog, std::string_view text,
                           const std::string& path) {
  auto parsed = sql::parse::expression(text);
  if (!parsed.ok()) {
    auto error = std::move(parsed).error();
    error.reason = "InvalidPlan";
    error.path = path;
    if (error.hint.empty()) error.hint = "write one SQL expression over the row's columns";
    return error;
  }
  TRY_OK(judge_shape(*parsed, path));
  Judged judged;
  judged.formula.text = parsed->text;
  judged.formula.columns = parsed->columns;
  judged.formula.path = path;
  judged.formula.constant = parsed->constant;
  judged.formula.bare = parsed->bare;
  for (const auto& name : parsed->functions) TRY_OK(judge_function(catalog, name, judged));
  return judged;
}

}  // namespace

base::Result<Formula> formula(const catalog::Catalog& catalog, std::string_view text,
                              const std::string& path) {
  TRY(auto judged, judge(catalog, text, path));
  if (judged.is_volatile) {
    return refuse(path, fmt::format("function {} is volatile", judged.volatile_function),
                  "rows are computed more than once and compared: use functions that give the "
                  "same result for the same row");
  }
  return std::move(judged.formula);
}

base::Result<Default> default_formula(const catalog::Catalog& catalog, std::string_view text,
                                      const std::string& path) {
  TRY(auto judged, judge(catalog, text, path));
  if (!judged.formula.columns.empty()) {
    return refuse(path,
                  fmt::format("a default cannot read column {}", *judged.formula.columns.begin()),
                  "use `up` for a value that depends on other columns");
  }
  return Default{std::move(judged.formula), judged.is_volatile};
}

Formula column_formula(const std::string& column, const std::string& path) {
  Formula out;
  out.text = sql::format("{}", sql::Identifier::trusted(column));
  out.columns = {column};
  out.path = path;
  out.plain = true;
  out.bare = true;
  return out;
}

base::Result<void> reads_only(const Formula& formula, const std::set<std::string>& columns,
                              std::string_view table, std::string_view seen_as) {
  for (const auto& name : formula.columns) {
    if (columns.count(name) != 0) continue;
    return refuse(
        formula.path, fmt::format("column \"{}\" of table {} does not exist", name, table),
        fmt::format("the expression sees the row {}: {}", seen_as, fmt::join(columns, ", ")));
  }
  return base::ok();
}

base::Result<sql::Fragment> renamed(const Formula& formula,
                                    const std::map<std::string, std::string>& names,
                                    std::string_view qualifier) {
  return sql::parse::rename_columns(formula.text.text(), names, qualifier);
}

}  // namespace lockkeeper::plan
