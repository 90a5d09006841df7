#include "dbcore/plan/diagnosis.h"

#include <algorithm>
#include <string_view>

#include "dbcore/plan/demands.h"
#include "dbcore/plan/emit.h"
#include "dbcore/sql/parse.h"

namespace lockkeeper::plan {
namespace {

using sql::format;
using sql::Fragment;
using sql::Literal;

// 'id=' || id, as the backfill names its rows.
Fragment row_name(const Prepared& prepared) {
  if (prepared.key.empty()) return Fragment::trusted("'ctid=' || CAST(t.ctid AS pg_catalog.text)");
  std::vector<Fragment> parts;
  for (const auto& name : prepared.key) {
    parts.push_back(format("{} || CAST(t.{} AS pg_catalog.text)",
                           Literal{(parts.empty() ? "" : ", ") + name + "="}, column_name(name)));
  }
  return sql::join(parts, " || ");
}

Fragment rows_where(const Prepared& prepared, const Fragment& condition) {
  return format("(SELECT {} FROM {} AS t WHERE {} LIMIT 5)", row_name(prepared), prepared.name(),
                condition);
}

// What stands between CHECK ( and its last parenthesis.
std::string_view inside_check(std::string_view definition) {
  constexpr std::string_view head = "CHECK (";
  const auto tail = definition.rfind(')');
  if (!definition.starts_with(head) || tail == std::string_view::npos) return {};
  return definition.substr(head.size(), tail - head.size());
}

struct Reference {
  std::vector<std::string> columns;  // places
  sql::QualifiedName parent;
  std::vector<std::string> parent_columns;
};

Fragment refers_to_nothing(const Reference& reference) {
  std::vector<Fragment> conditions;
  std::vector<Fragment> equal;
  for (std::size_t i = 0; i < reference.columns.size(); ++i) {
    const auto own = column_name(reference.columns[i]);
    conditions.push_back(format("t.{} IS NOT NULL", own));
    equal.push_back(format("p.{} = t.{}", column_name(reference.parent_columns[i]), own));
  }
  conditions.push_back(format("NOT EXISTS (SELECT FROM {} AS p WHERE {})", reference.parent,
                              sql::join(equal, " AND ")));
  return sql::join(conditions, " AND ");
}

class Questions {
 public:
  explicit Questions(const Prepared& prepared)
      : prepared_(&prepared), places_(prepared.table->last_places()) {}

  void nulls() {
    for (const auto& proof : prepared_->proofs) {
      ask(format("t.{} IS NOT DISTINCT FROM NULL", column_name(proof.column->last_place())));
    }
  }
  void checks() {
    for (const auto& check : prepared_->table->checks) {
      is_false(check.expression.text.text(), places_);
    }
    for (const auto& twin : prepared_->twins.constraints) {
      if (twin.constraint->kind != catalog::ConstraintKind::check) continue;
      is_false(inside_check(twin.constraint->definition), twin.columns);
    }
  }
  void references() {
    for (const auto& reference : prepared_->table->references) {
      const auto key = referenced_key(*reference.parent, reference.clause, {});
      if (!key.ok()) continue;
      ask(refers_to_nothing({{places_.at(reference.column)}, reference.parent->name, {*key}}));
    }
    for (const auto& twin : prepared_->twins.constraints) twin_reference(twin);
  }
  [[nodiscard]] std::string text() const {
    if (asked_.empty()) return {};
    return format("SELECT found.name FROM ({}) AS found (name) LIMIT 5",
                  sql::join(asked_, " UNION ALL "))
        .text();
  }

 private:
  void ask(const Fragment& condition) { asked_.push_back(rows_where(*prepared_, condition)); }

  // A question that cannot be put is left out: the server's own words remain.
  void is_false(std::string_view expression, const std::map<std::string, std::string>& places) {
    const auto here = sql::parse::rename_columns(expression, places, "t");
    if (here.ok()) ask(format("({}) IS FALSE", *here));
  }

  void twin_reference(const ConstraintTwin& twin) {
    const auto& constraint = *twin.constraint;
    if (constraint.kind != catalog::ConstraintKind::foreign_key || !constraint.referenced_name) {
      return;
    }
    Reference reference{{}, *constraint.referenced_name, constraint.referenced_columns};
    for (const auto& column : constraint.columns) {
      const auto moved = twin.columns.find(column);
      reference.columns.push_back(moved == twin.columns.end() ? column : moved->second);
    }
    if (reference.columns.size() != reference.parent_columns.size()) return;
    ask(refers_to_nothing(reference));
  }

  const Prepared* prepared_;
  std::map<std::string, std::string> places_;
  std::vector<Fragment> asked_;
};

}  // namespace

std::string rows_that_break(const Prepared& prepared) {
  Questions questions(prepared);
  questions.nulls();
  questions.checks();
  questions.references();
  return questions.text();
}

std::string rows_that_collide(const Prepared& prepared, const sql::QualifiedName& table,
                              const UniqueKey& key) {
  std::vector<Fragment> conditions;
  if (key.where) conditions.push_back(format("({})", *key.where));
  if (!key.nulls_not_distinct) {
    for (const auto& element : key.elements)
      conditions.push_back(format("{} IS NOT NULL", element));
  }
  const auto where =
      conditions.empty() ? Fragment() : format(" WHERE {}", sql::join(conditions, " AND "));
  return format(
             "SELECT found.name FROM (SELECT {} AS name, pg_catalog.count(*) OVER (PARTITION BY "
             "{}) AS same FROM {} AS t{}) AS found WHERE found.same > 1 LIMIT 5",
             row_name(prepared), sql::join(key.elements), table, where)
      .text();
}

}  // namespace lockkeeper::plan
