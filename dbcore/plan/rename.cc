#include "dbcore/plan/rename.h"

#include <algorithm>

#include "dbcore/sql/parse.h"

namespace lockkeeper::plan {
namespace {

base::Result<void> rename_formula(Formula& formula, const std::string& from,
                                  const std::string& to) {
  if (formula.columns.erase(from) == 0) return base::ok();
  formula.columns.insert(to);
  TRY(formula.text, sql::parse::rename_columns(formula.text.text(), {{from, to}}));
  return base::ok();
}

base::Result<void> rename_index(IndexDraft& index, const std::string& from, const std::string& to) {
  for (auto& element : index.definition.columns) {
    if (element.name == from) element.name = to;
  }
  for (auto& name : index.definition.include) {
    if (name == from) name = to;
  }
  for (auto& expression : index.expressions) TRY_OK(rename_formula(expression, from, to));
  if (index.where) TRY_OK(rename_formula(*index.where, from, to));
  return base::ok();
}

void replace(std::vector<std::string>& names, const std::string& from, const std::string& to) {
  std::replace(names.begin(), names.end(), from, to);
}

base::Result<void> retarget_index(catalog::Index& index, const std::string& from,
                                  const std::string& to) {
  if (std::find(index.reads.begin(), index.reads.end(), from) == index.reads.end()) {
    return base::ok();
  }
  // One that an operation of the list makes has no definition yet.
  if (!index.definition.empty()) {
    sql::parse::Retarget change;
    change.columns = {{from, to}};
    TRY(const auto definition, sql::parse::retarget(index.definition, change));
    index.definition = definition.text();
  }
  replace(index.reads, from, to);
  replace(index.included, from, to);
  for (auto& key : index.keys) {
    if (key.name == from) key.name = to;
  }
  return base::ok();
}

}  // namespace

base::Result<void> rename_in_draft(TableDraft& table, ColumnDraft& column, const std::string& to) {
  const auto from = column.name;
  for (auto& index : table.indexes) TRY_OK(rename_index(index, from, to));
  for (auto& check : table.checks) TRY_OK(rename_formula(check.expression, from, to));
  for (auto& reference : table.references) {
    if (reference.column == from) reference.column = to;
  }
  column.name = to;
  return base::ok();
}

base::Result<void> rename_in_catalog(catalog::Table& table, const std::string& from,
                                     const std::string& to) {
  for (auto& column : table.columns) {
    if (column.name == from) column.name = to;
  }
  for (auto& index : table.indexes) TRY_OK(retarget_index(index, from, to));
  for (auto& constraint : table.constraints) replace(constraint.columns, from, to);
  return base::ok();
}

}  // namespace lockkeeper::plan
