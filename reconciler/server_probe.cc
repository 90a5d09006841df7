#include <utility>

#include "dbcore/catalog/activity.h"
#include "dbcore/catalog/inspect.h"
#include "dbcore/execute/journal.h"
#include "reconciler/pools.h"

namespace lockkeeper::reconcile {
namespace {

constexpr std::chrono::seconds activity_timeout{5};

}  // namespace

base::Result<ServerFacts> inspect_server(const base::Context& ctx, sql::Pool& pool) {
  TRY(auto session, pool.acquire(ctx));
  ServerFacts facts;
  TRY(facts.server, catalog::inspect_server(ctx, *session));
  // Numbers for the metrics: a server that does not give them in time is as good as before.
  auto activity = catalog::inspect_activity(ctx.with_timeout(activity_timeout), *session);
  if (activity.ok()) facts.activity = std::move(activity).value();
  return facts;
}

base::Result<void> install_ledger(const base::Context& ctx, sql::Pool& pool) {
  TRY(auto session, pool.acquire(ctx));
  return execute::journal::install(ctx, *session);
}

}  // namespace lockkeeper::reconcile
