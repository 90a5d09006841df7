#include "dbcore/plan/checks.h"

namespace lockkeeper::plan::checks {
namespace {

using sql::format;
using sql::Fragment;
using sql::Literal;

Fragment literals(const std::vector<std::string>& names) {
  std::vector<Fragment> parts;
  parts.reserve(names.size());
  for (const auto& name : names) parts.push_back(format("{}", Literal{name}));
  return sql::join(parts);
}

Fragment count_columns(const sql::QualifiedName& table, const std::vector<std::string>& names) {
  return format(
      "(SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute WHERE attrelid = {} AND attnum > 0 "
      "AND NOT attisdropped AND attname IN ({}))",
      regclass(table), literals(names));
}

Fragment count_constraints(const sql::QualifiedName& table, const std::vector<std::string>& names,
                           const Fragment& more) {
  return format(
      "(SELECT pg_catalog.count(*) FROM pg_catalog.pg_constraint WHERE conrelid = {} AND conname "
      "IN "
      "({}){})",
      regclass(table), literals(names), more);
}

}  // namespace

Fragment regclass(const sql::QualifiedName& relation) {
  return format("pg_catalog.to_regclass({})", Literal{relation.quoted()});
}

Fragment has_columns(const sql::QualifiedName& table, const std::vector<std::string>& names) {
  return format("{} = {}", count_columns(table, names), names.size());
}

Fragment lacks_columns(const sql::QualifiedName& table, const std::vector<std::string>& names) {
  return format("{} = 0", count_columns(table, names));
}

Fragment column_is(const sql::QualifiedName& table, const std::string& column,
                   const std::string& type) {
  return format(
      "EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = {} AND NOT attisdropped AND "
      "attname = {} AND pg_catalog.format_type(atttypid, atttypmod) = {})",
      regclass(table), Literal{column}, Literal{type});
}

Fragment not_null(const sql::QualifiedName& table, const std::vector<std::string>& names) {
  return format(
      "(SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute WHERE attrelid = {} AND attnum > 0 "
      "AND NOT attisdropped AND attnotnull AND attname IN ({})) = {}",
      regclass(table), literals(names), names.size());
}

Fragment has_trigger(const sql::QualifiedName& table, const std::string& trigger) {
  return format(
      "EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = {} AND tgname = {} AND tgenabled "
      "= "
      "'A')",
      regclass(table), Literal{trigger});
}

Fragment lacks_trigger(const sql::QualifiedName& table, const std::string& trigger) {
  return format("NOT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = {} AND tgname = {})",
                regclass(table), Literal{trigger});
}

Fragment index_valid(const sql::QualifiedName& index, const sql::QualifiedName& table) {
  return format(
      "EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = {} AND indrelid = {} AND "
      "indisvalid AND indisready)",
      regclass(index), regclass(table));
}

Fragment has_constraints(const sql::QualifiedName& table, const std::vector<std::string>& names) {
  return format("{} = {}", count_constraints(table, names, {}), names.size());
}

Fragment lacks_constraints(const sql::QualifiedName& table, const std::vector<std::string>& names) {
  return format("{} = 0", count_constraints(table, names, {}));
}

Fragment validated(const sql::QualifiedName& table, const std::vector<std::string>& names) {
  return format("{} = {}", count_constraints(table, names, Fragment::trusted(" AND convalidated")),
                names.size());
}

std::string all_of(const std::vector<Fragment>& questions) {
  if (questions.empty()) return {};
  return format("SELECT {}", sql::join(questions, " AND ")).text();
}

}  // namespace lockkeeper::plan::checks
