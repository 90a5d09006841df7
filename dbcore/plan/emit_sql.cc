#include <fmt/format.h>

#include "dbcore/plan/emit.h"
#include "dbcore/plan/sql_judge.h"

namespace lockkeeper::plan {
namespace {

using sql::format;
using sql::Fragment;

// Statements name things of the target schema without it; the session's own path is empty.
Fragment set_path(const Draft& draft) {
  return format("SET LOCAL search_path TO {}", draft.start().schema);
}

class SqlSteps {
 public:
  SqlSteps(Draft& draft, const SqlDraft& source, Steps& steps)
      : draft_(&draft), source_(&source), steps_(&steps) {}

  base::Result<void> run() {
    const auto& op = *source_->definition;
    const auto first = steps_->size();
    TRY_OK(list(op.expand, "expand", Stage::expand));
    backfill();
    TRY_OK(undo(first));
    return list(op.contract, "contract", Stage::contract);
  }

 private:
  base::Result<void> list(const std::vector<std::string>& statements, const std::string& field,
                          Stage stage) {
    TRY(const auto judged, judge_statements(*draft_, *source_, statements, field));
    std::vector<Fragment> together;
    bool risky = false;
    for (const auto& one : judged) {
      if (one.transactional) {
        together.push_back(one.text);
        risky = risky || one.risky;
        continue;
      }
      flush(together, risky, stage);
      risky = false;
      alone(one, stage);
    }
    flush(together, risky, stage);
    return base::ok();
  }

  Step& push(Stage stage, const std::string& what) {
    Step step;
    step.id = fmt::format("sql-{}-{}", source_->operation + 1, ++count_);
    step.stage = stage;
    step.summary = what;
    step.operations = {source_->operation};
    step.breaks_old_version = stage == Stage::contract;
    step.irreversible = source_->definition->irreversible && stage != Stage::contract;
    steps_->push_back(std::move(step));
    return steps_->back();
  }

  void flush(std::vector<Fragment>& statements, bool risky, Stage stage) {
    if (statements.empty()) return;
    auto& step = push(stage, fmt::format("run {} statement(s)", statements.size()));
    auto all = statements;
    all.insert(all.begin(), set_path(*draft_));
    step.action = transaction(all, {}, LockMode::access_exclusive);
    step.duration = risky ? DurationClass::rewrite : DurationClass::metadata;
    if (risky) step.statement_timeout_ms = 0;
    statements.clear();
  }

  void alone(const Judged& one, Stage stage) {
    auto& step = push(stage, "run a statement outside a transaction");
    Action action;
    action.kind = ActionKind::concurrently;
    action.statements = {one.text.text()};
    action.lock = LockMode::share_update_exclusive;
    step.action = std::move(action);
    step.duration = DurationClass::index_build;
    step.statement_timeout_ms = 0;
  }

  void backfill() {
    const auto& fill = source_->definition->backfill;
    // Without `where` the table's marker says which rows are done.
    if (!fill || fill->where.empty()) return;
    const auto* table = draft_->start().table(fill->table);
    auto& step = push(Stage::backfill, "update the rows of " + fill->table);
    step.duration = DurationClass::batched;
    Backfill pass;
    pass.table = {table->oid, table->name.schema.raw(), table->name.name.raw(), false};
    pass.leaves = leaf_relations(draft_->start(), *table);
    pass.key = row_key(*table);
    pass.pending = "(" + fill->where + ")";
    pass.assignments = fill->set;
    pass.routed = false;
    pass.row_estimate = table->row_estimate;
    step.postcheck = format("SELECT NOT EXISTS (SELECT FROM {} WHERE {})", table->name,
                            Fragment::trusted(pass.pending))
                         .text();
    step.backfill = std::move(pass);
  }

  // The rollback's statements run once, where the operation began.
  base::Result<void> undo(std::size_t first) {
    const auto& op = *source_->definition;
    if (op.rollback.empty()) return base::ok();
    TRY(const auto judged, judge_statements(*draft_, *source_, op.rollback, "rollback"));
    if (first == steps_->size()) {
      push(Stage::expand, "hold the place of the rollback").action =
          transaction({set_path(*draft_)}, {}, LockMode::none);
    }
    auto& step = (*steps_)[first];
    std::vector<Fragment> together;
    for (const auto& one : judged) {
      if (one.transactional) {
        together.push_back(one.text);
        continue;
      }
      flush_undo(together, step);
      Action action;
      action.kind = ActionKind::concurrently;
      action.statements = {one.text.text()};
      action.lock = LockMode::share_update_exclusive;
      step.undo.push_back(std::move(action));
    }
    flush_undo(together, step);
    return base::ok();
  }

  void flush_undo(std::vector<Fragment>& statements, Step& step) {
    if (statements.empty()) return;
    statements.insert(statements.begin(), set_path(*draft_));
    step.undo.push_back(transaction(statements, {}, LockMode::access_exclusive));
    statements.clear();
  }

  Draft* draft_;
  const SqlDraft* source_;
  Steps* steps_;
  int count_ = 0;
};

}  // namespace

base::Result<void> emit_sql(Draft& draft, const SqlDraft& statements, Steps& steps) {
  return SqlSteps(draft, statements, steps).run();
}

}  // namespace lockkeeper::plan
