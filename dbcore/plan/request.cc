// What must be read of the database before make() can judge a list of operations.
#include <fmt/format.h>

#include "dbcore/plan/draft.h"
#include "dbcore/plan/index_builds.h"
#include "dbcore/plan/plan.h"
#include "dbcore/sql/parse.h"

namespace lockkeeper::plan {
namespace {

class Collector {
 public:
  explicit Collector(const std::string& schema) : schema_(schema) {}

  base::Result<void> read(const Operation& operation, std::string path) {
    path_ = std::move(path);
    return std::visit([&](const auto& op) { return (*this)(op); }, operation);
  }

  base::Result<catalog::Request> take() {
    auto name = sql::Identifier::make(schema_);
    if (!name.ok()) return refuse("spec.target.schema", name.error().message, "write its name");
    out_.schema = *name;
    return std::move(out_);
  }

  base::Result<void> operator()(const AddColumn& op) {
    out_.tables.insert(op.table);
    TRY_OK(type(op.column.type, "column.type"));
    TRY_OK(expression(op.up, "up"));
    TRY_OK(expression(op.column.default_expression, "column.default"));
    TRY_OK(expression(op.column.generated, "column.generated"));
    if (op.column.check) TRY_OK(expression(op.column.check->expression, "column.check.expression"));
    if (op.column.references) out_.tables.insert(op.column.references->table);
    if (op.column.unique) out_.names.insert(object_name(op.table, op.column.name, "key"));
    return base::ok();
  }
  base::Result<void> operator()(const DropColumn& op) {
    out_.tables.insert(op.table);
    return expression(op.down, "down");
  }
  base::Result<void> operator()(const RenameColumn& op) {
    out_.tables.insert(op.table);
    return base::ok();
  }
  base::Result<void> operator()(const ChangeType& op) {
    out_.tables.insert(op.table);
    TRY_OK(type(op.type, "type"));
    TRY_OK(expression(op.up, "up"));
    return expression(op.down, "down");
  }
  base::Result<void> operator()(const SetNotNull& op) {
    out_.tables.insert(op.table);
    return expression(op.up, "up");
  }
  base::Result<void> operator()(const CreateIndex& op) {
    out_.tables.insert(op.table);
    out_.names.insert(op.name);
    for (std::size_t i = 0; i < op.columns.size(); ++i) {
      if (op.columns[i].expression.empty()) continue;
      TRY_OK(expression(op.columns[i].expression, fmt::format("columns[{}].expression", i)));
    }
    return expression(op.where, "where");
  }
  base::Result<void> operator()(const Sql& op) {
    if (op.backfill) out_.tables.insert(op.backfill->table);
    TRY_OK(statements(op.expand, "expand"));
    TRY_OK(statements(op.contract, "contract"));
    return statements(op.rollback, "rollback");
  }

 private:
  [[nodiscard]] std::string at(std::string_view field) const {
    return path_ + "." + std::string(field);
  }

  base::Result<void> type(const std::string& text, std::string_view field) {
    TRY(const auto candidates, type_candidates(sql::Identifier::trusted(schema_), text, at(field)));
    out_.types.insert(candidates.begin(), candidates.end());
    return base::ok();
  }

  base::Result<void> expression(const std::optional<std::string>& text, std::string_view field) {
    if (!text) return base::ok();
    const auto parsed = sql::parse::expression(*text);
    if (!parsed.ok()) {
      return refuse(at(field), parsed.error().message,
                    "write one SQL expression over the row's columns");
    }
    for (const auto& name : parsed->functions) {
      out_.functions.insert(name.schema.empty() ? name.name : name.schema + "." + name.name);
    }
    return base::ok();
  }

  base::Result<void> statements(const std::vector<std::string>& list, std::string_view field) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto parsed = sql::parse::statements(list[i]);
      if (!parsed.ok()) {
        return refuse(fmt::format("{}[{}]", at(field), i), parsed.error().message,
                      "write SQL that PostgreSQL can read");
      }
      for (const auto& statement : *parsed) {
        for (const auto& [schema, name] : statement.relations) {
          if (schema.empty() || schema == schema_) out_.tables.insert(name);
        }
      }
    }
    return base::ok();
  }

  std::string schema_;
  std::string path_;
  catalog::Request out_;
};

}  // namespace

base::Result<catalog::Request> request(const std::string& schema,
                                       const std::vector<Operation>& operations) {
  Collector collector(schema);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    TRY_OK(collector.read(operations[i],
                          fmt::format("spec.operations[{}].{}", i, kind(operations[i]))));
  }
  return collector.take();
}

}  // namespace lockkeeper::plan
