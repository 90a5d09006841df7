// How each kind of action is carried out and written down. All of them are re-entrant: what the
// ledger calls done is not done again, what it does not is done whole or found done.
#pragma once

#include "dbcore/execute/job.h"
#include "dbcore/plan/step.h"

namespace lockkeeper::execute {

// An action within a step: the step's own, or one of its undo list.
struct Task {
  const plan::Step* step = nullptr;
  const plan::Action* action = nullptr;
  StepStatus status = StepStatus::done;  // what the step is when this succeeded
  int undo_actions = 0;                  // how many undo actions have been done then
  [[nodiscard]] bool undo() const { return undo_actions > 0; }
};

// Under the lock protocol, until the lock is had or the context stops; DDL, step row and the new
// signature commit together.
base::Result<void> run_transaction(const base::Context& ctx, Job& job, const Task& task);
// CONCURRENTLY: intent, build, result.
base::Result<void> run_concurrently(const base::Context& ctx, Job& job, const Task& task);
// VALIDATE CONSTRAINT, one transaction each.
base::Result<void> run_validate(const base::Context& ctx, Job& job, const Task& task);
base::Result<void> run_action(const base::Context& ctx, Job& job, const Task& task);

// Backfill and verify steps; the verify alone is asked once more before contract.
base::Result<void> run_backfill(const base::Context& ctx, Job& job, const plan::Step& step);
base::Result<void> run_verify(const base::Context& ctx, Job& job, const plan::Step& step);
base::Result<void> verify_again(const base::Context& ctx, Job& job, const plan::Step& step);

// Before a step that cannot commit with its row: no drift (`own`: see expect_no_drift), facts
// written down, and the row says running from now on.
base::Result<void> write_intent(const base::Context& ctx, Job& job, const plan::Step& step,
                                std::string_view own = {});
// In a fenced transaction of its own: the result of something that could not commit with it.
base::Result<void> write_result(const base::Context& ctx, Job& job, const Task& task);
// After a result was committed: the record follows the ledger.
void note_result(Job& job, const Task& task, const std::string& signature);

// Whether the step's postcheck holds; false when it has none.
base::Result<bool> found_done(const base::Context& ctx, Job& job, const plan::Step& step);
// Asks the step's diagnosis before it acts: what binds clients from then on must not be added while
// rows break it, for each of their writes to such a row would be refused. precondition RowFails.
base::Result<void> expect_no_bad_rows(const base::Context& ctx, Job& job, const plan::Step& step);
// What an error of the server means for a Migration: RowFails and DuplicateKeys with rows that are
// to blame, where the step knows how to find them. Other errors as they are.
base::Error diagnosed(const base::Context& ctx, Job& job, const plan::Step& step,
                      base::Error error);

}  // namespace lockkeeper::execute
