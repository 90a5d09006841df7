#include "dbcore/execute/actions.h"

#include <fmt/format.h>

#include <algorithm>

#include "dbcore/execute/facts.h"
#include "dbcore/sql/sqlstate.h"

namespace lockkeeper::execute {

using base::Context;
using base::Result;
using namespace std::chrono_literals;

namespace {

constexpr auto diagnosis_limit = 30s;

void note_status(Job& job, const plan::Step& step, StepStatus status) {
  const auto row = std::ranges::find(job.record().steps, step.id, &StepRecord::id);
  if (row != job.record().steps.end()) row->status = status;
}

Result<std::string> guilty_rows(const Context& ctx, Job& job, const plan::Step& step) {
  if (step.diagnosis.empty()) return std::string();
  TRY(auto* const session, job.onlooker(ctx));
  TRY(const auto rows, session->execute(ctx, sql::Fragment::trusted(step.diagnosis)));
  std::string keys;
  for (const sql::Row row : rows) keys += (keys.empty() ? "" : "; ") + row.text(0);
  return keys;
}

}  // namespace

Result<void> run_action(const Context& ctx, Job& job, const Task& task) {
  switch (task.action->kind) {
    case plan::ActionKind::transaction: return run_transaction(ctx, job, task);
    case plan::ActionKind::concurrently: return run_concurrently(ctx, job, task);
    case plan::ActionKind::validate: return run_validate(ctx, job, task);
  }
  return base::internal("an action of unknown kind");
}

Result<void> write_intent(const Context& ctx, Job& job, const plan::Step& step,
                          std::string_view own) {
  const auto* const row = job.record().step(step.id);
  const bool tried = row != nullptr && row->status != StepStatus::pending;
  TRY_OK(expect_no_drift(ctx, job, tried ? own : std::string_view()));
  TRY_OK(settle_facts(ctx, job));
  TRY(auto* const session, job.session(ctx));
  TRY(auto transaction, begin_fenced(ctx, *session, job.fence()));
  TRY_OK(journal::set_step(ctx, *session, job.fence(), step.id, StepStatus::running));
  TRY_OK(transaction.commit(ctx));
  note_status(job, step, StepStatus::running);
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

Result<void> expect_no_bad_rows(const Context& ctx, Job& job, const plan::Step& step) {
  const auto rows = guilty_rows(ctx.with_timeout(diagnosis_limit), job, step);
  if (!rows) {
    // A table too large to be asked in passing: VALIDATE has all the time that it needs.
    ctx.log().info("the rows were not asked beforehand", {{"error", rows.error().text()}});
    return ctx.check();
  }
  if (rows->empty()) return {};
  return base::precondition(fmt::format("rows stand in the way: {}", step.summary))
      .with_reason("RowFails")
      .with_detail(*rows)
      .with_hint("change the rows that fail; it goes on by itself");
}

base::Error diagnosed(const Context& ctx, Job& job, const plan::Step& step, base::Error error) {
  const bool duplicate = error.sqlstate == sql::sqlstate::unique_violation;
  const bool row = error.sqlstate.starts_with("22") || error.sqlstate.starts_with("23");
  if (!row || !error.reason.empty()) return error;
  error.code = base::ErrorCode::precondition;
  error.reason = duplicate ? "DuplicateKeys" : "RowFails";
  error.hint = duplicate ? "make the values unique; it goes on by itself"
                         : "change the rows that fail; it goes on by itself";
  const auto rows = guilty_rows(ctx.with_timeout(diagnosis_limit), job, step);
  if (!rows) {
    ctx.log().info("cannot name the rows that fail", {{"error", rows.error().text()}});
  } else if (!rows->empty()) {
    error.detail = error.detail.empty() ? *rows : error.detail + " (" + *rows + ")";
  }
  return error;
}

}  // namespace lockkeeper::execute
