#include <fmt/format.h>

#include <stop_token>

#include "dbcore/execute/actions.h"
#include "dbcore/execute/facts.h"
#include "dbcore/execute/watch.h"

namespace lockkeeper::execute {
namespace {

using base::Context;
using base::Result;
using namespace std::chrono_literals;

constexpr auto poll_pause = 100ms;
constexpr auto old_build_patience = 30s;

// The statement of another life may still run: it is waited for, then ended. Never beside it.
Result<ConcurrentFence> enter(const Context& ctx, Job& job, const plan::Step& step,
                              sql::Session& session) {
  auto deadline = ctx.clock().now() + old_build_patience;
  while (true) {
    TRY(auto fence, ConcurrentFence::enter(ctx, session, job.fence(), step.id));
    if (fence) return std::move(*fence);
    job.show("an earlier build of this step still runs");
    if (ctx.clock().now() >= deadline) {
      TRY_OK(terminate_holders(ctx, session, job.fence().step_key(step.id)));
      deadline = ctx.clock().now() + old_build_patience;
    }
    TRY_OK(ctx.sleep(poll_pause));
  }
}

// No lock_timeout: SHARE UPDATE EXCLUSIVE stands in front of no reader or writer, and what a build
// waits for are transactions, not a queue that others stand in.
Result<void> lift_limits(const Context& ctx, Job& job, sql::Session& session,
                         const plan::Step& step) {
  sql::Statement set(
      "SELECT pg_catalog.set_config('lock_timeout', '0', false),"
      " pg_catalog.set_config('statement_timeout', $1, false),"
      " pg_catalog.set_config('application_name', $2, false)");
  set.bind(fmt::format("{}ms", std::max<std::int64_t>(0, step.statement_timeout_ms)));
  set.bind(application_name(job.record().identity.name, step.id));
  TRY_OK(session.execute(ctx, set));
  return {};
}

Result<bool> invalid_leftover(const Context& ctx, sql::Session& session,
                              const plan::Action& action) {
  if (action.index_name.empty()) return false;
  sql::Statement ask(
      "SELECT NOT (i.indisvalid AND i.indisready) FROM pg_catalog.pg_index i"
      " JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
      " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
      " WHERE n.nspname = $1 AND c.relname = $2");
  ask.bind(action.index_schema).bind(action.index_name);
  return session.ask(ctx, ask);
}

// What an interrupted build left under our name costs writes and serves nobody.
Result<void> drop_leftover(const Context& ctx, Job& job, const plan::Step& step,
                           const plan::Action& action, sql::Session& session) {
  TRY(const bool leftover, invalid_leftover(ctx, session, action));
  if (!leftover) return {};
  job.show(fmt::format("dropping what is left of index {}", action.index_name));
  const sql::QualifiedName name{sql::Identifier::trusted(action.index_schema),
                                sql::Identifier::trusted(action.index_name)};
  TRY_OK(session.execute(ctx, sql::format("DROP INDEX CONCURRENTLY {}", name)));
  job.tell(step.id, "leftover dropped");
  return {};
}

Result<void> run_statements(const Context& ctx, Job& job, const Task& task, sql::Session& session) {
  // A connection that died without a word must not be waited for until the end of days.
  std::stop_source lost;
  const std::stop_callback stopped(ctx.stop(), [&lost] { lost.request_stop(); });
  const Watch watch(ctx, job,
                    {.pid = session.backend_pid(),
                     .first = 200ms,
                     .interval = 500ms,
                     .build = true,
                     .activity = task.step->summary,
                     .lost = [&lost] { lost.request_stop(); }});
  for (const auto& statement : task.action->statements) {
    job.tell(task.step->id, "running");
    auto done = session.execute(ctx.with_stop(lost.get_token()), sql::Fragment::trusted(statement));
    if (done) continue;
    if (lost.stop_requested() && !ctx.stop().stop_requested()) {
      return base::unavailable("the connection was lost while the statement ran");
    }
    return std::move(done).error();
  }
  return {};
}

Result<void> build(const Context& ctx, Job& job, const Task& task, sql::Session& session) {
  TRY_OK(drop_leftover(ctx, job, *task.step, *task.action, session));
  if (!task.undo()) {
    TRY(const bool done, found_done(ctx, job, *task.step));
    if (done) return {};
  }
  auto ran = run_statements(ctx, job, task, session);
  if (!ran) {
    auto cause = diagnosed(ctx, job, *task.step, std::move(ran).error());
    if (!session.broken()) {
      if (auto dropped = drop_leftover(ctx, job, *task.step, *task.action, session); !dropped) {
        ctx.log().warn("an invalid index is left", {{"error", dropped.error().text()}});
      }
    }
    return cause;
  }
  job.tell(task.step->id, "built");
  if (task.undo() || task.step->postcheck.empty()) return {};
  TRY(const bool effect, found_done(ctx, job, *task.step));
  if (effect) return {};
  return base::internal(fmt::format("step {} ran, but its effect is not there", task.step->id))
      .with_detail(task.step->postcheck);
}

}  // namespace

Result<void> run_concurrently(const Context& ctx, Job& job, const Task& task) {
  if (!task.undo()) {
    TRY_OK(write_intent(ctx, job, *task.step, task.action->index_name));
  }
  job.show(task.step->summary);
  TRY(auto* const session, job.session(ctx));
  auto done = [&]() -> Result<void> {
    TRY(auto fence, enter(ctx, job, *task.step, *session));
    TRY_OK(lift_limits(ctx, job, *session, *task.step));
    TRY_OK(build(ctx, job, task, *session));
    TRY_OK(write_result(ctx, job, task));
    return fence.leave(ctx);
  }();
  job.give_back_session();
  return done;
}

}  // namespace lockkeeper::execute
