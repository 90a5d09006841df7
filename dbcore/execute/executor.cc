#include "dbcore/execute/executor.h"

#include <algorithm>

#include "dbcore/base/backoff.h"
#include "dbcore/execute/actions.h"
#include "dbcore/execute/facts.h"

namespace lockkeeper::execute {
namespace {

using base::Context;
using base::ErrorCode;
using base::Result;
using namespace std::chrono_literals;

constexpr base::BackoffPolicy between_tries{
    .base = 200ms, .factor = 2.0, .max = 15'000ms, .jitter = 0.5};

// Whether the same call may go well later, without anybody doing anything for us.
bool passes_by_itself(const base::Error& error) {
  switch (error.code) {
    case ErrorCode::unavailable:
    case ErrorCode::conflict:
    case ErrorCode::cancelled:  // not by us: somebody cancelled or terminated our backend
      return true;
    case ErrorCode::precondition:
    case ErrorCode::invalid:
    case ErrorCode::internal: return false;
  }
  return false;
}

bool may_be_half_done(const plan::Step& step, StepStatus status) {
  if (status == StepStatus::done) return true;
  const bool atomic = step.action && step.action->kind == plan::ActionKind::transaction;
  return !atomic && (status == StepStatus::running || status == StepStatus::failed);
}

}  // namespace

Result<void> Executor::persist(const Context& ctx, const Work& work) {
  base::Backoff backoff(between_tries);
  while (true) {
    TRY_OK(ctx.check());
    auto done = job_.recover(ctx);
    if (done) done = work(ctx);
    if (done) return {};
    // Whatever a stop looked like from below.
    if (ctx.stop().stop_requested()) return base::cancelled("stopped on request");
    const auto& error = done.error();
    if (!passes_by_itself(error)) return std::move(done).error();
    ctx.log().info("trying again", {{"error", error.text()}});
    job_.progress().update([&](ProgressView& view) {
      ++view.attempts;
      view.last_error = error.text();
    });
    TRY_OK(ctx.sleep(backoff.next()));
  }
}

StepStatus Executor::status_of(const plan::Step& step) const {
  const auto* const row = job_.record().step(step.id);
  return row == nullptr ? StepStatus::pending : row->status;
}

void Executor::show_step(const plan::Step& step) {
  const auto done = std::ranges::count(job_.record().steps, StepStatus::done, &StepRecord::status);
  const auto total = job_.record().steps.size();
  job_.progress().update([&](ProgressView& view) {
    view.step = step.id;
    view.steps_done = static_cast<int>(done);
    view.steps_total = static_cast<int>(total);
    view.activity = step.summary;
    view.attempts = 0;
    view.last_error.clear();
    view.blockers.clear();
    view.backfill.reset();
  });
}

Result<void> Executor::run(const Context& ctx, const plan::Step& step) {
  show_step(step);
  auto done = persist(ctx, [&](const Context& running) { return run_once(running, step); });
  if (!done) {
    note_blocked(ctx, step, done.error());
    return done;
  }
  show_step(step);
  ctx.log().info("step done", {{"step", step.id}});
  return {};
}

Result<void> Executor::run_once(const Context& ctx, const plan::Step& step) {
  // What a try before this one committed without our hearing of it.
  if (status_of(step) == StepStatus::done) return {};
  job_.tell(step.id, "begin");
  if (step.backfill) return run_backfill(ctx, job_, step);
  if (step.verify) return run_verify(ctx, job_, step);
  if (step.action) return run_action(ctx, job_, {.step = &step, .action = &*step.action});
  return base::internal("step " + step.id + " has nothing to do");
}

Result<void> Executor::undo(const Context& ctx, const plan::Step& step) {
  if (!may_be_half_done(step, status_of(step))) return {};
  show_step(step);
  auto done = persist(ctx, [&](const Context& running) { return undo_once(running, step); });
  if (!done) note_blocked(ctx, step, done.error());
  return done;
}

Result<void> Executor::undo_once(const Context& ctx, const plan::Step& step) {
  const auto* const row = job_.record().step(step.id);
  if (row == nullptr || row->status == StepStatus::undone) return {};
  if (step.undo.empty()) {
    const Task nothing{.step = &step, .status = StepStatus::undone};
    return write_result(ctx, job_, nothing);
  }
  for (auto next = static_cast<std::size_t>(row->undo_actions); next < step.undo.size(); ++next) {
    const bool last = next + 1 == step.undo.size();
    const Task task{.step = &step,
                    .action = &step.undo[next],
                    .status = last ? StepStatus::undone : status_of(step),
                    .undo_actions = static_cast<int>(next) + 1};
    job_.tell(step.id, "undo");
    TRY_OK(run_action(ctx, job_, task));
  }
  return {};
}

Result<void> Executor::verify_again(const Context& ctx, const plan::Step& step) {
  show_step(step);
  return persist(
      ctx, [&](const Context& running) { return execute::verify_again(running, job_, step); });
}

Result<void> Executor::settle(const Context& ctx) {
  return persist(ctx, [&](const Context& running) { return settle_facts(running, job_); });
}

Result<void> Executor::expect_no_drift(const Context& ctx) {
  return persist(ctx,
                 [&](const Context& running) { return execute::expect_no_drift(running, job_); });
}

Result<void> Executor::refresh(const Context& ctx) {
  return persist(ctx, [&](const Context& running) { return job_.refresh(running); });
}

Result<void> Executor::enter(const Context& ctx, State state) {
  return persist(ctx, [&](const Context& running) { return enter_once(running, state); });
}

Result<void> Executor::enter_once(const Context& ctx, State state) {
  if (job_.record().state == state) return {};
  TRY(auto* const session, job_.session(ctx));
  TRY(auto transaction, begin_fenced(ctx, *session, job_.fence()));
  TRY_OK(journal::set_state(ctx, *session, job_.fence(), state));
  if (state == State::completed || state == State::rolled_back) {
    TRY_OK(journal::release_claims(ctx, *session, job_.fence()));
  }
  job_.tell("state", to_string(state));
  TRY_OK(transaction.commit(ctx));
  job_.tell("state committed", to_string(state));
  job_.record().state = state;
  return {};
}

// Best effort: the ledger then shows to others what this process knows.
void Executor::note_blocked(const Context& ctx, const plan::Step& step, const base::Error& error) {
  if (ctx.stop().stop_requested() || error.reason == "Fenced") return;
  auto session = job_.session(ctx);
  if (!session) return;
  auto transaction = begin_fenced(ctx, **session, job_.fence());
  if (!transaction) return;
  const auto status = status_of(step) == StepStatus::done ? StepStatus::done : StepStatus::failed;
  auto noted = journal::set_step(ctx, **session, job_.fence(), step.id, status, error.text());
  if (noted) noted = journal::append_event(ctx, **session, job_.fence(), "Blocked", error.text());
  if (noted) noted = transaction->commit(ctx);
  if (!noted) ctx.log().warn("cannot note what blocks", {{"error", noted.error().text()}});
}

}  // namespace lockkeeper::execute
