// Runs the steps of a plan, each once, whatever happens meanwhile.
//
// run() and undo() block until the step is done (undone), the context stops, or an error says that
// somebody must act: precondition (Drift, RowFails, DuplicateKeys, VerifyFailed, Fenced ...),
// invalid or internal. Locks that cannot be had, lost connections and restarts of the server are
// waited out; the progress says what for. One thread per Job.
#pragma once

#include "dbcore/execute/job.h"

namespace lockkeeper::execute {

class Executor {
 public:
  explicit Executor(Job& job) : job_(job) {}

  base::Result<void> run(const base::Context& ctx, const plan::Step& step);
  // Carries out what is left of the step's undo list.
  base::Result<void> undo(const base::Context& ctx, const plan::Step& step);
  // The gate before contract: a verify step's question asked again.
  base::Result<void> verify_again(const base::Context& ctx, const plan::Step& step);
  // Facts written down, the migration's state changed; claims are given back in a terminal one.
  base::Result<void> enter(const base::Context& ctx, State state);
  base::Result<void> settle(const base::Context& ctx);
  base::Result<void> expect_no_drift(const base::Context& ctx);
  // The record brought up to date; waits out a server that is away.
  base::Result<void> refresh(const base::Context& ctx);

 private:
  using Work = std::function<base::Result<void>(const base::Context&)>;
  // Tries until it is done or not worth another try.
  base::Result<void> persist(const base::Context& ctx, const Work& work);
  base::Result<void> run_once(const base::Context& ctx, const plan::Step& step);
  base::Result<void> undo_once(const base::Context& ctx, const plan::Step& step);
  base::Result<void> enter_once(const base::Context& ctx, State state);
  [[nodiscard]] StepStatus status_of(const plan::Step& step) const;
  void note_blocked(const base::Context& ctx, const plan::Step& step, const base::Error& error);
  void show_step(const plan::Step& step);

  Job& job_;
};

}  // namespace lockkeeper::execute
