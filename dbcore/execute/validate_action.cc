#include <fmt/format.h>

#include "dbcore/execute/actions.h"
#include "dbcore/execute/facts.h"
#include "dbcore/execute/lock_protocol.h"
#include "dbcore/execute/watch.h"

namespace lockkeeper::execute {
namespace {

using base::Context;
using base::Result;
using namespace std::chrono_literals;

Result<void> validate_one(const Context& ctx, Job& job, const Task& task,
                          const std::string& statement, bool last) {
  const auto& step = *task.step;
  TRY(auto* const session, job.session(ctx));
  TRY(auto transaction, begin_fenced(ctx, *session, job.fence()));
  const auto limit =
      std::chrono::milliseconds(std::max<std::int64_t>(0, step.statement_timeout_ms));
  TRY_OK(session->execute(ctx, limits(job.deadlock_timeout() + 2s, limit,
                                      application_name(job.record().identity.name, step.id))));
  std::stop_source lost;
  const std::stop_callback stopped(ctx.stop(), [&lost] { lost.request_stop(); });
  {
    const Watch watch(ctx, job,
                      {.pid = session->backend_pid(),
                       .interval = 500ms,
                       .activity = step.summary,
                       .lost = [&lost] { lost.request_stop(); }});
    job.tell(step.id, "running");
    auto done =
        session->execute(ctx.with_stop(lost.get_token()), sql::Fragment::trusted(statement));
    if (!done) return std::move(done).error();
  }
  const Task so_far{.step = task.step,
                    .action = task.action,
                    .status = last ? task.status : StepStatus::running,
                    .undo_actions = last ? task.undo_actions : 0};
  TRY(const auto rows,
      session->execute(ctx, journal::step_result(job.fence(),
                                                 {.step_id = step.id,
                                                  .status = so_far.status,
                                                  .attempts = 0,
                                                  .undo_actions = so_far.undo_actions},
                                                 job.record().relations())));
  TRY_OK(transaction.commit(ctx));
  job.tell(step.id, last ? "committed" : "one proved");
  note_result(job, so_far, rows[0].text(0));
  return {};
}

}  // namespace

Result<void> run_validate(const Context& ctx, Job& job, const Task& task) {
  if (!task.undo()) {
    TRY_OK(write_intent(ctx, job, *task.step));
  }
  job.show(task.step->summary);
  const auto& statements = task.action->statements;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    auto done = validate_one(ctx, job, task, statements[i], i + 1 == statements.size());
    if (!done) return diagnosed(ctx, job, *task.step, std::move(done).error());
  }
  return {};
}

}  // namespace lockkeeper::execute
