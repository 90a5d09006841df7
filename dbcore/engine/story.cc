#include "dbcore/engine/story.h"

#include <fmt/format.h>

#include <functional>

namespace lockkeeper::engine {
namespace {

using base::Context;
using base::Result;
using execute::Executor;
using execute::Job;
using execute::State;
using execute::StepStatus;

Result<void> run_steps(const Context& ctx, Job& job,
                       const std::function<bool(const plan::Step&)>& wanted) {
  Executor executor(job);
  const auto steps = job.record().plan.steps;
  for (const auto& step : steps) {
    if (!wanted(step)) continue;
    const auto* const row = job.record().step(step.id);
    if (row != nullptr && row->status == StepStatus::done) continue;
    TRY_OK(executor.run(ctx, step));
  }
  return executor.settle(ctx);
}

base::Error out_of_turn(std::string_view wanted, State state) {
  return base::conflict(
             fmt::format("cannot {} a migration that is {}", wanted, execute::to_string(state)))
      .with_reason("OutOfTurn");
}

// Everything that was true when expand ended must be true now: rows written meanwhile included.
Result<void> pass_the_gate(const Context& ctx, Job& job) {
  Executor executor(job);
  TRY_OK(executor.expect_no_drift(ctx));
  const auto steps = job.record().plan.steps;
  for (const auto& step : steps) {
    if (!step.verify) continue;
    TRY_OK(executor.verify_again(ctx, step));
  }
  return {};
}

}  // namespace

Result<void> expand(const Context& ctx, Job& job) {
  const auto state = job.record().state;
  if (state == State::ready) return {};
  if (state != State::running) return out_of_turn("expand", state);
  TRY_OK(run_steps(ctx, job,
                   [](const plan::Step& step) { return step.stage != plan::Stage::contract; }));
  return Executor(job).enter(ctx, State::ready);
}

Result<void> contract(const Context& ctx, Job& job) {
  const auto state = job.record().state;
  if (state == State::completed) return {};
  if (state != State::ready && state != State::contracting) return out_of_turn("contract", state);
  Executor executor(job);
  if (state == State::ready) {
    TRY_OK(pass_the_gate(ctx, job));
    TRY_OK(executor.enter(ctx, State::contracting));
  }
  TRY_OK(run_steps(ctx, job,
                   [](const plan::Step& step) { return step.stage == plan::Stage::contract; }));
  return executor.enter(ctx, State::completed);
}

Result<void> roll_back(const Context& ctx, Job& job) {
  const auto state = job.record().state;
  if (state == State::rolled_back) return {};
  if (state == State::contracting || state == State::completed) {
    return out_of_turn("roll back", state);
  }
  Executor executor(job);
  TRY_OK(executor.enter(ctx, State::rolling_back));
  const auto steps = job.record().plan.steps;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) TRY_OK(executor.undo(ctx, *step));
  return executor.enter(ctx, State::rolled_back);
}

}  // namespace lockkeeper::engine
