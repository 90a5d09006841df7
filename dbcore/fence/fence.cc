#include "dbcore/fence/fence.h"

#include <fmt/format.h>
#include <unistd.h>

#include <random>
#include <utility>

namespace lockkeeper::fence {
namespace {

using base::Context;
using base::Result;
using namespace std::chrono_literals;

// What lockkeeper.require() raises; no SQLSTATE of the server's own.
constexpr std::string_view fenced_state = "LKF01";
constexpr std::string_view draining_state = "LKF02";

constexpr auto poll_pause = 20ms;
constexpr auto enter_patience = 10s;

std::string make_token() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

base::Error fenced() {
  return base::precondition("another process took this migration over").with_reason("Fenced");
}

// Raises the epoch without ever waiting for the row; empty when somebody holds it.
Result<std::optional<Fence>> raise_epoch(const Context& ctx, sql::Session& session,
                                         const std::string& migration_id,
                                         std::optional<std::int64_t> only_from) {
  sql::Statement update(
      "UPDATE lockkeeper.migration SET epoch = epoch + 1, owner = $2, orphaned = false,"
      " updated_at = pg_catalog.now() WHERE id = (SELECT id FROM lockkeeper.migration"
      " WHERE id = $1::uuid AND ($3::bigint IS NULL OR epoch = $3::bigint)"
      " FOR UPDATE SKIP LOCKED) RETURNING epoch, pg_catalog.current_database()");
  update.bind(migration_id).bind(process_token());
  if (only_from) {
    update.bind(*only_from);
  } else {
    update.bind(std::nullopt);
  }
  TRY(const auto rows, session.execute(ctx, update));
  if (rows.empty()) return std::optional<Fence>();
  return std::optional<Fence>(Fence{
      .database = rows[0].text(1), .migration_id = migration_id, .epoch = rows[0].integer(0)});
}

// Why raise_epoch gave nothing: nothing to say when it is only the row's lock.
Result<void> check_present(const Context& ctx, sql::Session& session,
                           const std::string& migration_id, std::optional<std::int64_t> epoch) {
  sql::Statement ask("SELECT epoch FROM lockkeeper.migration WHERE id = $1::uuid");
  ask.bind(migration_id);
  TRY(const auto rows, session.execute(ctx, ask));
  if (rows.empty()) return base::conflict("the migration is no longer in the ledger");
  if (epoch && rows[0].integer(0) != *epoch) return fenced();
  return {};
}

Result<Fence> raise_patiently(const Context& ctx, sql::Session& session,
                              const std::string& migration_id, std::optional<std::int64_t> epoch,
                              base::Clock::Steady deadline) {
  bool terminated = false;
  while (true) {
    TRY(auto fence, raise_epoch(ctx, session, migration_id, epoch));
    if (fence) return std::move(*fence);
    TRY_OK(check_present(ctx, session, migration_id, epoch));
    if (!terminated && ctx.clock().now() >= deadline) {
      TRY(const auto database, session.execute(ctx, "SELECT pg_catalog.current_database()"));
      const Fence old{.database = database[0].text(0), .migration_id = migration_id};
      TRY_OK(terminate_holders(ctx, session, old.key()));
      terminated = true;
    }
    TRY_OK(ctx.sleep(poll_pause));
  }
}

// Waits by short tries until nobody of an older epoch is left. Each try is a transaction of its
// own: nothing of ours waits in the server.
Result<void> drain(const Context& ctx, sql::Session& session, const Fence& fence,
                   base::Clock::Steady deadline) {
  sql::Statement probe(
      "SELECT pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended($1, 0))");
  probe.bind(fence.key().text);
  while (true) {
    TRY(const bool drained, session.ask(ctx, probe));
    if (drained) return {};
    if (ctx.clock().now() >= deadline) {
      TRY(const auto ended, terminate_holders(ctx, session, fence.key()));
      ctx.log().warn("sessions of an older epoch were terminated", {{"sessions", ended}});
      deadline = ctx.clock().now() + 1s;
    }
    TRY_OK(ctx.sleep(poll_pause));
  }
}

Result<Fence> take(const Context& ctx, sql::Session& session, const std::string& migration_id,
                   std::optional<std::int64_t> only_from, std::chrono::milliseconds patience) {
  const auto deadline = ctx.clock().now() + patience;
  TRY(auto fence, raise_patiently(ctx, session, migration_id, only_from, deadline));
  TRY_OK(drain(ctx, session, fence, deadline));
  return fence;
}

sql::Statement epoch_question(const Fence& fence) {
  sql::Statement ask(
      "SELECT lockkeeper.require(EXISTS (SELECT 1 FROM lockkeeper.migration"
      " WHERE id = $1::uuid AND epoch = $2::bigint), 'LKF01', 'the epoch has passed')");
  ask.bind(fence.migration_id).bind(fence.epoch);
  return ask;
}

void roll_back_quietly(const Context& ctx, sql::Session& session) {
  if (!session.in_transaction()) return;
  if (auto rolled = session.execute(ctx, "ROLLBACK"); !rolled) session.close();
}

}  // namespace

const std::string& process_token() {
  static const std::string random = make_token();
  thread_local std::string token;
  token = fmt::format("{}-{}", random, ::getpid());  // a forked child is another process
  return token;
}

sql::AdvisoryKey Fence::key() const {
  return {fmt::format("lockkeeper:fence:{}:{}", database, migration_id)};
}

sql::AdvisoryKey Fence::step_key(std::string_view step_id) const {
  return {fmt::format("lockkeeper:step:{}:{}:{}", database, migration_id, step_id)};
}

std::vector<sql::Statement> fence_statements(const Fence& fence) {
  std::vector<sql::Statement> statements;
  statements.emplace_back("BEGIN ISOLATION LEVEL READ COMMITTED");
  statements.emplace_back(
      "SELECT lockkeeper.require(pg_catalog.pg_try_advisory_xact_lock_shared("
      "pg_catalog.hashtextextended($1, 0)), 'LKF02', 'the fence is being drained')");
  statements.back().bind(fence.key().text);
  statements.push_back(epoch_question(fence));
  return statements;
}

base::Error fence_error(base::Error error) {
  if (error.sqlstate == fenced_state) return fenced();
  if (error.sqlstate == draining_state) {
    auto draining = base::unavailable("another process is taking this migration over");
    draining.reason = "Draining";
    return draining;
  }
  return error;
}

Result<sql::Transaction> begin_fenced(const Context& ctx, sql::Session& session,
                                      const Fence& fence) {
  const auto deadline = ctx.clock().now() + enter_patience;
  const auto statements = fence_statements(fence);
  while (true) {
    auto begun = session.pipeline(ctx, statements);
    if (begun) return sql::Transaction::adopt(session);
    roll_back_quietly(ctx, session);
    auto error = fence_error(std::move(begun).error());
    if (error.reason != "Draining" || ctx.clock().now() >= deadline) return error;
    TRY_OK(ctx.sleep(poll_pause));
  }
}

ConcurrentFence::ConcurrentFence(sql::AdvisoryLock step, sql::AdvisoryLock shared)
    : step_(std::move(step)), shared_(std::move(shared)) {}

Result<std::optional<ConcurrentFence>> ConcurrentFence::enter(const Context& ctx,
                                                              sql::Session& session,
                                                              const Fence& fence,
                                                              std::string_view step_id) {
  TRY(auto step, sql::AdvisoryLock::try_acquire(ctx, session, fence.step_key(step_id),
                                                sql::AdvisoryMode::exclusive));
  if (!step) return std::optional<ConcurrentFence>();
  TRY(auto shared,
      sql::AdvisoryLock::try_acquire(ctx, session, fence.key(), sql::AdvisoryMode::shared));
  if (!shared) return base::unavailable("another process is taking this migration over");
  ConcurrentFence held(std::move(*step), std::move(*shared));
  if (auto asked = session.execute(ctx, epoch_question(fence)); !asked) {
    return fence_error(std::move(asked).error());
  }
  return std::optional<ConcurrentFence>(std::move(held));
}

Result<void> ConcurrentFence::leave(const Context& ctx) {
  TRY_OK(shared_.release(ctx));
  return step_.release(ctx);
}

Result<Fence> take_over(const Context& ctx, sql::Session& session, const std::string& migration_id,
                        std::chrono::milliseconds patience) {
  return take(ctx, session, migration_id, std::nullopt, patience);
}

Result<Fence> renew(const Context& ctx, sql::Session& session, const Fence& fence,
                    std::chrono::milliseconds patience) {
  return take(ctx, session, fence.migration_id, fence.epoch, patience);
}

Result<std::int64_t> terminate_holders(const Context& ctx, sql::Session& session,
                                       const sql::AdvisoryKey& key) {
  sql::Statement end(
      "SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(l.pid))"
      " FROM pg_catalog.pg_locks l, pg_catalog.hashtextextended($1, 0) AS h"
      " WHERE l.locktype = 'advisory' AND l.granted AND l.pid <> pg_catalog.pg_backend_pid()"
      " AND l.database = (SELECT oid FROM pg_catalog.pg_database"
      "                   WHERE datname = pg_catalog.current_database())"
      " AND l.classid::bigint = ((h >> 32) & 4294967295)"
      " AND l.objid::bigint = (h & 4294967295) AND l.objsubid = 1");
  end.bind(key.text);
  TRY(const auto rows, session.execute(ctx, end));
  return rows[0].integer(0);
}

}  // namespace lockkeeper::fence
