// The canonical form of a list of operations: JSON with sorted keys, every field written, so that
// two lists are equal exactly when their texts are.
#include <nlohmann/json.hpp>

#include "dbcore/engine/engine.h"
#include "dbcore/plan/hash.h"

namespace lockkeeper::engine {
namespace {

using nlohmann::json;

json of(const std::optional<std::string>& text) {
  return text ? json(*text) : json(nullptr);
}

json of(const plan::CheckClause& check) {
  return {{"name", check.name}, {"expression", check.expression}};
}

json of(const plan::ReferencesClause& to) {
  return {{"table", to.table},
          {"columns", to.columns},
          {"name", to.name},
          {"onDelete", to.on_delete},
          {"onUpdate", to.on_update}};
}

json of(const plan::ColumnDefinition& column) {
  return {{"name", column.name},
          {"type", column.type},
          {"nullable", column.nullable},
          {"default", of(column.default_expression)},
          {"generated", of(column.generated)},
          {"identity", of(column.identity)},
          {"collation", of(column.collation)},
          {"unique", column.unique},
          {"check", column.check ? of(*column.check) : json(nullptr)},
          {"references", column.references ? of(*column.references) : json(nullptr)},
          {"comment", of(column.comment)}};
}

json of(const plan::IndexElement& element) {
  return {{"name", element.name},       {"expression", element.expression},
          {"order", element.order},     {"nulls", element.nulls},
          {"opclass", element.opclass}, {"collation", element.collation}};
}

json of(const plan::AddColumn& op) {
  return {{"table", op.table}, {"column", of(op.column)}, {"up", of(op.up)}};
}

json of(const plan::DropColumn& op) {
  return {{"table", op.table}, {"column", op.column}, {"down", of(op.down)}};
}

json of(const plan::RenameColumn& op) {
  return {{"table", op.table}, {"from", op.from}, {"to", op.to}};
}

json of(const plan::ChangeType& op) {
  return {{"table", op.table}, {"column", op.column}, {"type", op.type},
          {"up", of(op.up)},   {"down", of(op.down)}, {"to", of(op.to)}};
}

json of(const plan::SetNotNull& op) {
  return {{"table", op.table}, {"column", op.column}, {"up", of(op.up)}};
}

json of(const plan::CreateIndex& op) {
  json columns = json::array();
  for (const auto& element : op.columns) columns.push_back(of(element));
  json with = json::array();
  for (const auto& option : op.with) with.push_back(json::array({option.first, option.second}));
  return {
      {"table", op.table},     {"name", op.name},     {"columns", columns},
      {"unique", op.unique},   {"method", op.method}, {"include", op.include},
      {"where", of(op.where)}, {"with", with},        {"nullsNotDistinct", op.nulls_not_distinct}};
}

json of(const plan::Sql& op) {
  json fill = nullptr;
  if (op.backfill) {
    fill = {
        {"table", op.backfill->table}, {"set", op.backfill->set}, {"where", op.backfill->where}};
  }
  return {{"expand", op.expand},
          {"backfill", fill},
          {"contract", op.contract},
          {"rollback", op.rollback},
          {"irreversible", op.irreversible}};
}

}  // namespace

std::string operations_hash(const std::vector<plan::Operation>& operations) {
  json list = json::array();
  for (const auto& operation : operations) {
    const auto body = std::visit([](const auto& op) { return of(op); }, operation);
    list.push_back(json::array({std::string(plan::kind(operation)), body}));
  }
  return plan::sha256(list.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace lockkeeper::engine
