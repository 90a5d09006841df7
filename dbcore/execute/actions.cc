#include "dbcore/execute/actions.h"

#include <algorithm>

#include "dbcore/sql/sqlstate.h"

namespace lockkeeper::execute {

using base::Context;
using base::Result;

Result<void> run_action(const Context& ctx, Job& job, const Task& task) {
  switch (task.action->kind) {
    case plan::ActionKind::transaction: return run_transaction(ctx, job, task);
    case plan::ActionKind::concurrently: return run_concurrently(ctx, job, task);
    case plan::ActionKind::validate: return run_validate(ctx, job, task);
  }
  return base::internal("an action of unknown kind");
}

Result<void> write_intent(const Context& ctx, Job& job, const plan::Step& step) {
  TRY(auto* const session, job.session(ctx));
  TRY(auto transaction, begin_fenced(ctx, *session, job.fence()));
  TRY_OK(journal::set_step(ctx, *session, job.fence(), step.id, StepStatus::running));
  TRY_OK(transaction.commit(ctx));
  job.tell(step.id, "intent");
  return {};
}

Result<void> write_result(const Context& ctx, Job& job, const Task& task) {
  TRY(auto* const session, job.session(ctx));
  TRY(auto transaction, begin_fenced(ctx, *session, job.fence()));
  TRY(const auto rows,
      session->execute(ctx, journal::step_result(job.fence(),
                                                 {.step_id = task.step->id,
                                                  .status = task.status,
                                                  .attempts = 0,
                                                  .undo_actions = task.undo_actions},
                                                 job.record().relations())));
  TRY_OK(transaction.commit(ctx));
  job.tell(task.step->id, "result");
  note_result(job, task, rows[0].text(0));
  return {};
}

void note_result(Job& job, const Task& task, const std::string& signature) {
  auto& record = job.record();
  record.signature = signature;
  const auto row = std::ranges::find(record.steps, task.step->id, &StepRecord::id);
  if (row == record.steps.end()) return;
  row->status = task.status;
  row->undo_actions = task.undo_actions;
}

Result<bool> found_done(const Context& ctx, Job& job, const plan::Step& step) {
  if (step.postcheck.empty()) return false;
  TRY(auto* const session, job.session(ctx));
  return session->ask(ctx, sql::Fragment::trusted(step.postcheck));
}

base::Error rows_error(base::Error error) {
  if (!error.reason.empty()) return error;
  if (error.sqlstate == sql::sqlstate::unique_violation) {
    error.code = base::ErrorCode::precondition;
    return std::move(error)
        .with_reason("DuplicateKeys")
        .with_hint("make the values unique; it goes on by itself");
  }
  if (error.sqlstate.starts_with("22") || error.sqlstate.starts_with("23")) {
    error.code = base::ErrorCode::precondition;
    return std::move(error)
        .with_reason("RowFails")
        .with_hint("change the rows that fail; it goes on by itself");
  }
  return error;
}

}  // namespace lockkeeper::execute
