#include "dbcore/catalog/inspect.h"
#include "dbcore/execute/journal.h"
#include "reconciler/pools.h"

namespace lockkeeper::reconcile {

base::Result<ServerFacts> inspect_server(const base::Context& ctx, sql::Pool& pool) {
  TRY(auto session, pool.acquire(ctx));
  ServerFacts facts;
  TRY(facts.server, catalog::inspect_server(ctx, *session));
  return facts;
}

base::Result<void> install_ledger(const base::Context& ctx, sql::Pool& pool) {
  TRY(auto session, pool.acquire(ctx));
  return execute::journal::install(ctx, *session);
}

}  // namespace lockkeeper::reconcile
