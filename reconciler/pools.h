// The pools of all Databases of this process, by the Database's key. Thread-safe. The Database's
// reconcile fills it (the CLI does it itself), Migrations take from it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dbcore/base/context.h"
#include "dbcore/base/mutex.h"
#include "dbcore/catalog/activity.h"
#include "dbcore/catalog/catalog.h"
#include "dbcore/sql/pool.h"
#include "reconciler/outcome.h"

namespace lockkeeper::reconcile {

// What a look at the server found.
struct ServerFacts {
  catalog::Server server;
  std::optional<catalog::Activity> activity;
  bool operator==(const ServerFacts&) const = default;
};
// Connects and looks; changes nothing.
using ServerProbe = std::function<base::Result<ServerFacts>(const base::Context&, sql::Pool&)>;
base::Result<ServerFacts> inspect_server(const base::Context& ctx, sql::Pool& pool);
// Makes the ledger or brings it up to date: precondition LedgerForbidden, LedgerTooNew.
using LedgerInstall = std::function<base::Result<void>(const base::Context&, sql::Pool&)>;
base::Result<void> install_ledger(const base::Context& ctx, sql::Pool& pool);

// A pool as the metrics show it.
struct PoolView {
  Key database;
  int replica = 0;  // 0: of the primary
  int max = 0;
  sql::PoolStatistics statistics;
  std::optional<ServerFacts> facts;
  std::vector<sql::SlowStatement> slow;  // newest first
  std::int64_t slow_count = 0;
};
// Under which a Database's replica has its pool; index from 0.
Key replica_key(const Key& database, std::size_t index);

class Pools {
 public:
  // Makes the pool, or gives an existing one its new endpoint and options when they differ: leases
  // that are out finish on the old ones. Another uid is another Database: its pool starts anew.
  std::shared_ptr<sql::Pool> configure(const Key& database, const std::string& uid,
                                       const sql::Endpoint& endpoint,
                                       const sql::PoolOptions& options);
  // Null: there is none (yet).
  [[nodiscard]] std::shared_ptr<sql::Pool> find(const Key& database) const;
  void remove(const Key& database);
  [[nodiscard]] std::vector<PoolView> views() const;

  // What the last look found; empty until one succeeded in this process and found nothing that
  // forbids to work there.
  void remember(const Key& database, const std::optional<ServerFacts>& facts);
  [[nodiscard]] std::optional<ServerFacts> facts(const Key& database) const;

 private:
  struct Entry {
    std::string uid;
    std::shared_ptr<sql::Pool> pool;
    std::optional<ServerFacts> facts;
  };
  mutable base::Mutex mutex_;
  std::map<Key, Entry> entries_ LK_GUARDED_BY(mutex_);
};

}  // namespace lockkeeper::reconcile
