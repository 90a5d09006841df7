#include "dbcore/sql/advisory_lock.h"

#include <utility>

namespace lockkeeper::sql {
namespace {

constexpr std::chrono::seconds longest_release{1};

Statement take(const AdvisoryKey& key, AdvisoryMode mode) {
  Statement statement =
      mode == AdvisoryMode::exclusive
          ? Statement("SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 0))")
          : Statement(
                "SELECT pg_catalog.pg_try_advisory_lock_shared("
                "pg_catalog.hashtextextended($1, 0))");
  return statement.bind(std::string_view(key.text));
}

Statement give_back(const AdvisoryKey& key, AdvisoryMode mode) {
  Statement statement =
      mode == AdvisoryMode::exclusive
          ? Statement("SELECT pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended($1, 0))")
          : Statement(
                "SELECT pg_catalog.pg_advisory_unlock_shared("
                "pg_catalog.hashtextextended($1, 0))");
  return statement.bind(std::string_view(key.text));
}

}  // namespace

AdvisoryLock::AdvisoryLock(Session& session, AdvisoryKey key, AdvisoryMode mode)
    : session_(&session), key_(std::move(key)), mode_(mode) {}

AdvisoryLock::AdvisoryLock(AdvisoryLock&& other) noexcept
    : session_(std::exchange(other.session_, nullptr)),
      key_(std::move(other.key_)),
      mode_(other.mode_) {}

AdvisoryLock::~AdvisoryLock() {
  const auto released = release(base::Context());
  if (!released.ok()) {
    base::Context().log().warn("advisory lock was not released",
                               {{"key", key_.text}, {"error", released.error().text()}});
  }
}

base::Result<std::optional<AdvisoryLock>> AdvisoryLock::try_acquire(const base::Context& ctx,
                                                                    Session& session,
                                                                    const AdvisoryKey& key,
                                                                    AdvisoryMode mode) {
  TRY(const bool taken, session.ask(ctx, take(key, mode)));
  std::optional<AdvisoryLock> lock;
  if (taken) lock.emplace(AdvisoryLock(session, key, mode));
  return lock;
}

base::Result<void> AdvisoryLock::release(const base::Context& ctx) {
  Session* const session = std::exchange(session_, nullptr);
  if (session == nullptr || session->broken()) return {};  // the server let go with the session
  // Neither a stop nor a deadline that passed keeps the lock.
  const base::Context own = base::Context({}, ctx.clock(), ctx.log()).with_timeout(longest_release);
  const auto held = session->ask(own, give_back(key_, mode_));
  if (held.ok() && *held) return {};
  session->close();
  if (!held.ok()) return held.error();
  return base::internal("advisory lock \"" + key_.text + "\" was not held any more");
}

}  // namespace lockkeeper::sql
