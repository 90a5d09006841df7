#include "dbcore/catalog/inspect.h"
#include "dbcore/execute/journal.h"
#include "reconciler/pools.h"

namespace lockkeeper::reconcile {
namespace {

// A pooler answers the start-up packet itself, with a process id of its own making; and what this
// operator does (advisory locks of a session, blockers of a process id) needs the true one.
base::Result<bool> behind_pooler(const base::Context& ctx, sql::Session& session) {
  TRY(const auto rows, session.execute(ctx, "SELECT pg_catalog.pg_backend_pid()"));
  return rows.empty() || rows[0].integer(0) != session.backend_pid();
}

}  // namespace

base::Result<ServerFacts> inspect_server(const base::Context& ctx, sql::Pool& pool) {
  TRY(auto session, pool.acquire(ctx));
  ServerFacts facts;
  TRY(facts.server, catalog::inspect_server(ctx, *session));
  TRY(facts.pooled, behind_pooler(ctx, *session));
  return facts;
}

base::Result<void> install_ledger(const base::Context& ctx, sql::Pool& pool) {
  TRY(auto session, pool.acquire(ctx));
  return execute::journal::install(ctx, *session);
}

}  // namespace lockkeeper::reconcile
