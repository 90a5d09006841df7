#include "reconciler/jobs.h"

#include <fmt/format.h>

#include <algorithm>

namespace lockkeeper::reconcile {
namespace {

using std::chrono::seconds;

constexpr seconds blocked_pause{10};
// As long as a lease lives: who took over is given the time to be seen as the leader.
constexpr seconds fenced_pause{20};
constexpr seconds longest_pause{30};
constexpr seconds defect_pause{60};

seconds pause_after(const base::Error& error, int tries) {
  switch (error.code) {
    case base::ErrorCode::conflict:
      if (tries == 1) return seconds(0);
      [[fallthrough]];
    case base::ErrorCode::unavailable:
    case base::ErrorCode::internal:
      return std::min(longest_pause, seconds(1) * (1 << std::min(tries - 1, 5)));
    case base::ErrorCode::precondition:
      return error.reason == "Fenced" ? fenced_pause : blocked_pause;
    default: return defect_pause;
  }
}

void remember_failure(Situation& s, JobKind kind, const base::Error& error) {
  Memory& memory = s.memory;
  if (error.code == base::ErrorCode::cancelled) return;
  const bool again = memory.failure && memory.failure->kind == kind &&
                     memory.failure->error.code == error.code &&
                     memory.failure->steps_done == memory.progress.steps_done;
  const int tries = again ? memory.failure->tries + 1 : 1;
  s.world.ctx.log().warn("job failed", {{"migration", s.key().text()},
                                        {"job", to_string(kind)},
                                        {"step", memory.progress.step},
                                        {"attempt", tries},
                                        {"sqlstate", error.sqlstate},
                                        {"reason", error.reason},
                                        {"error", error.text()}});
  if (error.reason == "Fenced") memory.epoch->store(0);
  memory.failure = Failure{kind,
                           error,
                           memory.progress.step,
                           memory.progress.steps_done,
                           s.steady() + pause_after(error, tries),
                           tries};
}

engine::Tuning tuning_of(const Situation& s) {
  const crds::BackfillSpec& backfill = s.spec().backfill;
  engine::Tuning tuning;
  tuning.backfill.chunk_time = backfill.chunk_time;
  tuning.backfill.pause = backfill.pause;
  tuning.backfill.max_rows_per_second = backfill.max_rows_per_second;
  tuning.backfill.max_replica_lag = backfill.max_replica_lag;
  tuning.lock_timeout = s.spec().safety.lock_timeout;
  if (s.database != nullptr) tuning.query_timeout = s.database->spec.query_timeout;
  return tuning;
}

base::Result<execute::Record> run(Rollout& rollout, JobKind kind, const base::Context& ctx,
                                  const execute::Record& record, const engine::Tuning& tuning,
                                  execute::Progress& progress) {
  switch (kind) {
    case JobKind::expand: return rollout.expand(ctx, record, tuning, progress);
    case JobKind::contract: return rollout.contract(ctx, record, tuning, progress);
    case JobKind::roll_back: return rollout.roll_back(ctx, record, tuning, progress);
  }
  return base::internal("no such job");
}

// Work that cannot be taken up where it was left.
bool is_indivisible(const plan::Step& step) {
  return step.action && step.action->kind == plan::ActionKind::concurrently;
}

}  // namespace

void take_in_job(Situation& s) {
  auto view = s.world.runner.poll(s.memory.uid);
  if (!view) return;
  s.memory.progress = view->progress;
  if (view->running) {
    s.job = std::move(view);
    return;
  }
  if (view->result && view->result->ok()) {
    s.memory.failure.reset();
    s.memory.progress.blockers.clear();
    s.memory.progress.backfill.reset();
  } else if (view->result) {
    remember_failure(s, view->key.kind, view->result->error());
  }
  s.world.runner.forget(s.memory.uid);
}

bool may_start(const Situation& s, JobKind kind) {
  const auto& failure = s.memory.failure;
  return !s.job && (!failure || failure->kind != kind || s.steady() >= failure->retry_at);
}

void start_job(Situation& s, JobKind kind) {
  const auto epoch = s.memory.epoch;
  const engine::Tuning tuning = tuning_of(s);
  const JobKey key{s.memory.uid, s.key(), s.record->epoch, kind};
  const bool started = s.world.runner.start(
      key,
      [rollout = s.rollout, record = *s.record, epoch, tuning, kind](
          const base::Context& ctx, execute::Progress& progress) -> base::Result<execute::Record> {
        execute::Record mine = record;
        if (epoch->load() != record.epoch) {
          TRY(mine, rollout->adopt(ctx, record));
          epoch->store(mine.epoch);
        }
        return run(*rollout, kind, ctx, mine, tuning, progress);
      });
  if (!started) return;
  s.memory.tuning = tuning;
  s.memory.job_started = s.steady();
  s.world.ctx.log().info("job started", {{"migration", s.key().text()}, {"job", to_string(kind)}});
}

void pause_job(Situation& s) {
  if (!s.job || s.job->cancelling || !s.record) return;
  for (const plan::Step& step : s.record->plan.steps) {
    if (step.id != s.memory.progress.step || !is_indivisible(step)) continue;
    s.world.runner.cancel_at_next_step(s.memory.uid);
    return;
  }
  s.world.runner.cancel(s.memory.uid);
}

bool tuning_changed(const Situation& s) {
  return s.job && !(s.memory.tuning == tuning_of(s));
}

}  // namespace lockkeeper::reconcile
