#include "dbcore/catalog/facts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace lockkeeper::catalog::detail {
namespace {

// A list of words, each only when it says something.
class Words {
 public:
  explicit Words(std::string first) : text_(std::move(first)) {}
  Words& add(std::string_view label, std::string_view value) {
    if (!value.empty()) text_ += fmt::format(" {} {}", label, value);
    return *this;
  }
  Words& flag(bool on, std::string_view word) {
    if (on) text_ += fmt::format(" {}", word);
    return *this;
  }
  Words& letter(std::string_view label, char value) {
    if (value != '\0') text_ += fmt::format(" {} {}", label, value);
    return *this;
  }
  Words& list(std::string_view label, std::vector<std::string> values) {
    std::ranges::sort(values);
    if (!values.empty()) text_ += fmt::format(" {} ({})", label, fmt::join(values, ", "));
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Definitions of views and CASE come in lines.
std::string one_line(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
    } else {
      result += c;
    }
  }
  return result;
}

std::string_view kind_name(TableKind kind) {
  switch (kind) {
    case TableKind::table: return "table";
    case TableKind::partitioned: return "partitioned table";
    case TableKind::foreign: return "foreign table";
    default: return "relation";
  }
}

std::string_view identity_name(Identity identity) {
  if (identity == Identity::none) return "";
  return identity == Identity::always ? "always" : "by default";
}

std::string_view generated_name(GeneratedKind generated) {
  if (generated == GeneratedKind::none) return "";
  return generated == GeneratedKind::stored ? "stored" : "on read";
}

std::string of(const Table& table, std::string_view part) {
  return fmt::format("{}.{}", table.name.quoted(), sql::Identifier::trusted(part).quoted());
}

}  // namespace

void FactWriter::add(std::string_view kind, const std::string& subject, const std::string& what) {
  lines_->push_back(one_line(fmt::format("{} {}: {}", kind, subject, what)));
}

std::string FactWriter::name_of(Oid oid) const {
  if (const auto related = catalog_->related.find(oid); related != catalog_->related.end()) {
    return related->second.name.quoted();
  }
  const auto found = std::ranges::find_if(
      catalog_->tables, [&](const auto& named) { return named.second.oid == oid; });
  return found == catalog_->tables.end() ? "a relation out of sight" : found->second.name.quoted();
}

void FactWriter::table(const Table& table) {
  add("table", table.name.quoted(),
      Words(std::string(kind_name(table.kind)))
          .letter("persistence", table.persistence)
          .letter("replica identity", table.replica_identity)
          .flag(table.row_security, "row security")
          .flag(table.force_row_security, "forced")
          .list("with", table.options)
          .add("partitioned by", table.partition_key)
          .add("bound", table.partition_bound)
          .text());
  for (const Column& each : table.columns) column(table, each);
  for (const Index& each : table.indexes) index(table, each);
  for (const Constraint& each : table.constraints) constraint(table, each);
  for (const Trigger& each : table.triggers) trigger(table, each);
  for (const Policy& each : table.policies) add("policy", of(table, each.name), each.definition);
}

void FactWriter::column(const Table& table, const Column& column) {
  add("column", of(table, column.name),
      Words(column.type)
          .flag(column.not_null, "not null")
          .add(column.generated == GeneratedKind::none ? "default" : "as",
               column.default_expression)
          .add("generated", generated_name(column.generated))
          .add("identity", identity_name(column.identity))
          .add("sequence", column.owned_sequence)
          .add("collate", column.collation)
          .letter("storage", column.storage)
          .letter("compression", column.compression)
          .text());
}

void FactWriter::index(const Table& table, const Index& index) {
  add("index", of(table, index.name),
      Words(index.definition)
          .flag(!index.valid, "invalid")
          .flag(!index.ready, "not ready")
          .flag(!index.immediate, "deferrable")
          .flag(index.replica_identity, "replica identity")
          .add("of constraint", index.constraint)
          .add("tablespace", index.tablespace)
          .flag(index.parent != 0, "attached")
          .text());
}

void FactWriter::constraint(const Table& table, const Constraint& constraint) {
  add("constraint", of(table, constraint.name),
      Words(constraint.definition)
          .flag(!constraint.validated, "not validated")
          .flag(!constraint.local, "inherited")
          .add("index", constraint.index)
          .flag(constraint.parent != 0, "attached")
          .text());
}

void FactWriter::trigger(const Table& table, const Trigger& trigger) {
  add("trigger", of(table, trigger.name),
      Words(trigger.definition)
          .letter("enabled", trigger.enabled)
          .flag(trigger.parent != 0, "inherited")
          .text());
}

void FactWriter::ties(const Table& table) {
  for (const auto& reference : table.referenced_by) {
    add("reference", of(table, reference.constraint),
        fmt::format("from {} ({}) to ({})", reference.table_name.quoted(),
                    fmt::join(reference.columns, ", "),
                    fmt::join(reference.referenced_columns, ", ")));
  }
  for (const auto& dependent : table.dependents) {
    add("dependent", of(table, dependent.column),
        fmt::format("{} {}", dependent.kind, dependent.description));
  }
  for (const auto& [oid, name] : table.children) add("child", table.name.quoted(), name.quoted());
  for (const Oid parent : table.parents) add("parent", table.name.quoted(), name_of(parent));
  for (const auto& publication : table.publications) {
    add("publication", table.name.quoted(), sql::Identifier::trusted(publication).quoted());
  }
}

void FactWriter::view(const View& view) {
  std::vector<std::string> defaults;
  for (const auto& [column, expression] : view.defaults) {
    defaults.push_back(fmt::format("{} = {}", column, expression));
  }
  add("view", view.name.quoted(),
      Words(view.materialized ? "materialized" : "plain")
          .list("with", view.options)
          .list("defaults", std::move(defaults))
          .list("indexes", view.indexes)
          .list("triggers", view.triggers)
          .add("as", view.definition)
          .text());
}

}  // namespace lockkeeper::catalog::detail
