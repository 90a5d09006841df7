#include "dbcore/sql/session_impl.h"

namespace lockkeeper::sql {
namespace {

using base::Result;

constexpr int rounds = 3;
constexpr std::chrono::seconds longest_probe{1};

Result<int> server_process(const base::Context& ctx, Session& session) {
  TRY(const auto rows, session.execute(ctx, "SELECT pg_catalog.pg_backend_pid()"));
  return static_cast<int>(rows[0].integer(0));
}

// True when another client can be given the server process that serves `session`.
Result<bool> shared(const base::Context& ctx, Session& session, Session& other) {
  TRY(const int first, server_process(ctx, session));
  // Between two statements `session` is idle. Who hands sessions out per transaction gives the
  // process that was free last to whoever asks next, and holds it for them while they are inside a
  // transaction.
  TRY_OK(other.execute(ctx, "BEGIN READ ONLY"));
  TRY(const int second, server_process(ctx, other));
  if (first == second || first != session.backend_pid()) return true;
  TRY(const int third, server_process(ctx, session));
  TRY_OK(other.execute(ctx, "ROLLBACK"));
  return first != third;
}

}  // namespace

base::Error shared_session_error() {
  return base::precondition("a connection pooler in transaction mode stands before the server")
      .with_detail("successive transactions were served by different server processes")
      .with_hint("connect to PostgreSQL itself, or to a pool in session mode")
      .with_reason("PoolerInBetween");
}

Result<void> PoolerProbe::refuse_shared_sessions(const base::Context& ctx, const Endpoint& endpoint,
                                                 const SessionSettings& settings,
                                                 Session& session) {
  const base::Context bounded = ctx.with_timeout(longest_probe);
  auto other = Session::connect_bare(bounded, endpoint, settings);
  // No second server session to be had means that ours is not shared out: a pool in session mode
  // that is full. Other reasons to fail would have failed the first connection.
  if (!other.ok()) return ctx.check();
  other->impl_->cancel_patience = {};  // who waits for a pooler cannot be cancelled, only left
  for (int round = 0; round < rounds; ++round) {
    const auto answer = shared(bounded, session, *other);
    if (session.broken()) {
      return base::unavailable("the connection was lost while looking for a pooler in between")
          .with_reason("ServerUnavailable");
    }
    if (!answer.ok()) return ctx.check();
    if (*answer) return shared_session_error();
  }
  return {};
}

}  // namespace lockkeeper::sql
