#include <fmt/format.h>

#include <algorithm>

#include "dbcore/plan/checks.h"
#include "dbcore/plan/demands.h"
#include "dbcore/plan/diagnosis.h"
#include "dbcore/plan/emit.h"

namespace lockkeeper::plan {
namespace {

using sql::format;
using sql::Fragment;
using sql::Identifier;

Step step_of(const Prepared& prepared, std::string id, std::string summary) {
  Step step;
  step.id = std::move(id);
  step.stage = Stage::validate;
  step.summary = std::move(summary);
  step.operations = prepared.table->operations;
  return step;
}

Fragment add_proof(const Prepared& prepared, const Proof& proof) {
  return format("ALTER TABLE {} ADD CONSTRAINT {} CHECK ({} IS DISTINCT FROM NULL) NOT VALID",
                prepared.name(), Identifier::trusted(proof.name),
                column_name(proof.column->last_place()));
}

base::Result<Fragment> add_check(const Prepared& prepared, const CheckDraft& check) {
  TRY(const auto expression, renamed(check.expression, prepared.table->last_places()));
  return format("ALTER TABLE {} ADD CONSTRAINT {} CHECK ({}) NOT VALID", prepared.name(),
                Identifier::trusted(check.name), expression);
}

base::Result<Fragment> add_reference(const Prepared& prepared, const ReferenceDraft& reference) {
  TRY(const auto key, referenced_key(*reference.parent, reference.clause, {}));
  TRY(const auto on_delete, referential_action(reference.clause.on_delete, {}));
  TRY(const auto on_update, referential_action(reference.clause.on_update, {}));
  return format(
      "ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}) ON UPDATE {} ON DELETE "
      "{} NOT VALID",
      prepared.name(), Identifier::trusted(reference.name),
      column_name(prepared.table->last_places().at(reference.column)), reference.parent->name,
      column_name(key), on_update, on_delete);
}

Action drop_constraints(const Prepared& prepared, const std::vector<std::string>& names) {
  std::vector<Fragment> out;
  out.reserve(names.size());
  for (const auto& name : names) {
    out.push_back(format("DROP CONSTRAINT IF EXISTS {}", Identifier::trusted(name)));
  }
  return transaction({format("ALTER TABLE {} {}", prepared.name(), sql::join(out))},
                     {prepared.table->relation()}, LockMode::access_exclusive);
}

struct Added {
  std::vector<Fragment> statements;
  std::vector<std::string> names;
};

base::Result<Added> checks_to_add(const Prepared& prepared) {
  Added out;
  for (const auto& proof : prepared.proofs) {
    out.statements.push_back(add_proof(prepared, proof));
    out.names.push_back(proof.name);
  }
  for (const auto& check : prepared.table->checks) {
    TRY(auto statement, add_check(prepared, check));
    out.statements.push_back(std::move(statement));
    out.names.push_back(check.name);
  }
  for (const auto& twin : prepared.twins.constraints) {
    if (twin.constraint->kind != catalog::ConstraintKind::check) continue;
    out.statements.push_back(twin.add);
    out.names.push_back(twin.name);
  }
  return out;
}

Added keys_to_add(const Prepared& prepared) {
  Added out;
  for (const auto& index : prepared.table->indexes) {
    if (index.constraint.empty()) continue;
    out.statements.push_back(format("ALTER TABLE {} ADD CONSTRAINT {} UNIQUE USING INDEX {}",
                                    prepared.name(), Identifier::trusted(index.constraint),
                                    Identifier::trusted(index.definition.name)));
    out.names.push_back(index.constraint);
  }
  return out;
}

base::Result<void> emit_adds(const Prepared& prepared, Steps& steps) {
  TRY(auto added, checks_to_add(prepared));
  auto keys = keys_to_add(prepared);
  added.statements.insert(added.statements.end(), keys.statements.begin(), keys.statements.end());
  added.names.insert(added.names.end(), keys.names.begin(), keys.names.end());
  if (added.statements.empty()) return base::ok();
  auto step = step_of(prepared, "constrain-" + prepared.table->display(),
                      fmt::format("add {} constraint(s) to {} for rows to come", added.names.size(),
                                  prepared.table->display()));
  step.action =
      transaction(added.statements, {prepared.table->relation()}, LockMode::access_exclusive);
  step.postcheck = checks::all_of({checks::has_constraints(prepared.name(), added.names)});
  step.undo = {drop_constraints(prepared, added.names)};
  step.diagnosis = rows_that_break(prepared);
  steps.push_back(std::move(step));
  return base::ok();
}

void push_reference(const Prepared& prepared, const std::string& label, const std::string& name,
                    const Fragment& add, Relation parent, Steps& steps) {
  auto step = step_of(
      prepared, fmt::format("constrain-{}-{}", prepared.table->display(), label),
      fmt::format("add foreign key {} to {} for rows to come", label, prepared.table->display()));
  std::vector<Relation> locks = {prepared.table->relation()};
  if (parent.oid != locks.front().oid) locks.push_back(std::move(parent));
  std::sort(locks.begin(), locks.end(),
            [](const Relation& a, const Relation& b) { return a.oid < b.oid; });
  step.action = transaction({add}, locks, LockMode::share_row_exclusive);
  step.postcheck = checks::all_of({checks::has_constraints(prepared.name(), {name})});
  auto undo = drop_constraints(prepared, {name});
  undo.locks = step.action->locks;
  step.undo = {std::move(undo)};
  step.diagnosis = rows_that_break(prepared);
  steps.push_back(std::move(step));
}

base::Result<void> emit_references(const Prepared& prepared, Steps& steps) {
  for (const auto& reference : prepared.table->references) {
    TRY(const auto add, add_reference(prepared, reference));
    const auto& parent = *reference.parent;
    push_reference(prepared, reference.name, reference.name, add,
                   {parent.oid, parent.name.schema.raw(), parent.name.name.raw(), false}, steps);
  }
  for (const auto& twin : prepared.twins.constraints) {
    if (twin.constraint->kind != catalog::ConstraintKind::foreign_key) continue;
    const auto& parent = twin.constraint->referenced_name;
    push_reference(prepared,
                   fmt::format("{}-{}", twin.constraint->name, twin.lasts ? "rebuild" : "twin"),
                   twin.name, twin.add,
                   {twin.constraint->referenced_table, parent ? parent->schema.raw() : "",
                    parent ? parent->name.raw() : "", false},
                   steps);
  }
  return base::ok();
}

std::vector<std::string> to_validate(const Prepared& prepared) {
  std::vector<std::string> out;
  for (const auto& proof : prepared.proofs) out.push_back(proof.name);
  for (const auto& check : prepared.table->checks) out.push_back(check.name);
  for (const auto& reference : prepared.table->references) out.push_back(reference.name);
  for (const auto& twin : prepared.twins.constraints) {
    // One that was never validated stays so.
    if (twin.constraint->validated) out.push_back(twin.name);
  }
  return out;
}

void emit_validation(const Prepared& prepared, Steps& steps) {
  const auto names = to_validate(prepared);
  if (names.empty()) return;
  auto step = step_of(prepared, "validate-" + prepared.table->display(),
                      fmt::format("check the rows of {} against {} constraint(s)",
                                  prepared.table->display(), names.size()));
  step.duration = DurationClass::scan;
  step.statement_timeout_ms = 0;
  Action action;
  action.kind = ActionKind::validate;
  action.lock = LockMode::share_update_exclusive;
  action.locks = {prepared.table->relation()};
  for (const auto& name : names) {
    action.statements.push_back(
        format("ALTER TABLE {} VALIDATE CONSTRAINT {}", prepared.name(), Identifier::trusted(name))
            .text());
  }
  step.action = std::move(action);
  step.postcheck = checks::all_of({checks::validated(prepared.name(), names)});
  step.diagnosis = rows_that_break(prepared);
  steps.push_back(std::move(step));
}

void emit_not_null(const Prepared& prepared, Steps& steps) {
  if (prepared.proofs.empty()) return;
  std::vector<Fragment> sets;
  std::vector<Fragment> drops;
  std::vector<Fragment> undo;
  std::vector<std::string> columns;
  for (const auto& proof : prepared.proofs) {
    const auto place = proof.column->last_place();
    columns.push_back(place);
    sets.push_back(format("ALTER COLUMN {} SET NOT NULL", column_name(place)));
    drops.push_back(format("DROP CONSTRAINT {}", Identifier::trusted(proof.name)));
    if (!proof.column->added() && !proof.column->retyped) {
      undo.push_back(format("ALTER COLUMN {} DROP NOT NULL", column_name(place)));
    }
  }
  auto step = step_of(prepared, "not-null-" + prepared.table->display(),
                      fmt::format("set NOT NULL on {} column(s) of {}, proven by what was checked",
                                  columns.size(), prepared.table->display()));
  // Two statements: in one, the proof would be dropped before it is used.
  step.action = transaction({format("ALTER TABLE {} {}", prepared.name(), sql::join(sets)),
                             format("ALTER TABLE {} {}", prepared.name(), sql::join(drops))},
                            {prepared.table->relation()}, LockMode::access_exclusive);
  step.postcheck = checks::all_of({checks::not_null(prepared.name(), columns)});
  if (!undo.empty()) {
    step.undo = {transaction({format("ALTER TABLE {} {}", prepared.name(), sql::join(undo))},
                             {prepared.table->relation()}, LockMode::access_exclusive)};
  }
  steps.push_back(std::move(step));
}

}  // namespace

base::Result<void> emit_validate(const Prepared& prepared, Steps& steps) {
  TRY_OK(emit_adds(prepared, steps));
  TRY_OK(emit_references(prepared, steps));
  emit_validation(prepared, steps);
  emit_not_null(prepared, steps);
  return base::ok();
}

}  // namespace lockkeeper::plan
