#include "dbcore/backfill/crew.h"

#include <algorithm>
#include <thread>

#include "dbcore/base/backoff.h"

namespace lockkeeper::backfill {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;

constexpr int most_failures_in_a_row = 20;
constexpr base::BackoffPolicy between_failures{std::chrono::milliseconds(100), 2.0,
                                               std::chrono::milliseconds(5'000), 0.5};
constexpr ServoLimits key_limits{10, 100'000, 1'000};
constexpr ServoLimits block_limits{1, 2'000, 20};

// Somebody was in the way; the same rows can be tried again by this session.
bool passes(const Error& error) {
  if (error.reason == cursor_moved) return false;
  return error.code == ErrorCode::conflict || error.reason == "LockTimeout" ||
         error.reason == "StatementTimeout" || error.reason == "Draining";
}

}  // namespace

struct Crew::Shift {
  explicit Shift(const base::Context& ctx) : stop(ctx.stop()) {}

  base::LinkedStop stop;
  base::Mutex mutex;
  std::deque<Shard> waiting LK_GUARDED_BY(mutex);
  std::optional<Error> error LK_GUARDED_BY(mutex);
  std::int64_t rows LK_GUARDED_BY(mutex) = 0;

  std::optional<Shard> take() LK_EXCLUDES(mutex) {
    const base::Lock lock(mutex);
    if (waiting.empty() || error) return {};
    Shard next = std::move(waiting.front());
    waiting.pop_front();
    return next;
  }
  void fail(Error with) LK_EXCLUDES(mutex) {
    {
      const base::Lock lock(mutex);
      if (!error) error = std::move(with);
    }
    stop.request();
  }
};

Crew::Crew(sql::Pool& pool, const Chunk& chunk, const Tuning& tuning, Meter& meter)
    : pool_(pool), chunk_(chunk), tuning_(tuning), meter_(meter), pace_(tuning, meter) {}

Result<void> Crew::run_shard(const base::Context& ctx, Shift& shift, sql::Session& session,
                             Shard shard) {
  Servo servo(tuning_.chunk_time, shard.target->by_key() ? key_limits : block_limits);
  servo.resume_at(shard.chunk_units);
  base::Backoff backoff(between_failures);
  while (!shard.done) {
    TRY_OK(ctx.check());
    const auto rows = run_chunk(ctx, session, chunk_, shard, servo);
    if (rows.ok()) {
      backoff.reset();
      {
        const base::Lock lock(shift.mutex);
        shift.rows += *rows;
      }
      meter_.add(*rows);
      if (!shard.done) TRY_OK(pace_.wait(ctx, session, *rows));
      continue;
    }
    const bool again =
        passes(rows.error()) && !session.broken() && backoff.tries() < most_failures_in_a_row;
    if (!again) return rows.error();
    ctx.log().info("a chunk is tried again",
                   {{"table", shard.target->relation.name}, {"error", rows.error().text()}});
    servo.halve();
    TRY_OK(ctx.sleep(backoff.next()));
  }
  return {};
}

Result<void> Crew::work_off(const base::Context& ctx, Shift& shift, sql::Session& session) {
  while (auto shard = shift.take()) {
    TRY_OK(run_shard(ctx, shift, session, std::move(*shard)));
  }
  return {};
}

void Crew::work(const base::Context& ctx, Shift& shift, bool needed) {
  auto lease = pool_.acquire(ctx);
  if (!lease.ok()) {
    // One worker is enough to get there.
    if (needed) shift.fail(std::move(lease).error());
    return;
  }
  auto done = work_off(ctx, shift, **lease);
  if (!done.ok()) shift.fail(std::move(done).error());
}

Result<std::int64_t> Crew::run(const base::Context& ctx, std::vector<Shard> shards, int workers) {
  Shift shift(ctx);
  {
    const base::Lock lock(shift.mutex);
    for (Shard& shard : shards) {
      if (!shard.done) shift.waiting.push_back(std::move(shard));
    }
    workers = std::min(workers, static_cast<int>(shift.waiting.size()));
  }
  const base::Context within = ctx.with_stop(shift.stop.token());
  {
    std::vector<std::jthread> helpers;
    for (int i = 1; i < workers; ++i) {
      helpers.emplace_back([this, within, &shift] { work(within, shift, false); });
    }
    if (workers > 0) work(within, shift, true);
  }
  const base::Lock lock(shift.mutex);
  if (shift.error) return std::move(*shift.error);
  return shift.rows;
}

}  // namespace lockkeeper::backfill
