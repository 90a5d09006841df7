// One Migration on one database: the facade that the reconciler and the CLI use. Decides nothing
// about clusters, gates or time windows; it plans, runs stages, rolls back and tells what it sees.
//
// All calls block; run() and roll_back() may take hours and are meant for a thread of their own,
// the others are bounded to seconds. Thread-safe as long as one job per Migration runs at a time
// (the fence catches those who break that).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dbcore/backfill/throttle.h"
#include "dbcore/base/mutex.h"
#include "dbcore/catalog/inspect.h"
#include "dbcore/execute/job.h"
#include "dbcore/execute/journal.h"
#include "dbcore/execute/progress.h"
#include "dbcore/plan/plan.h"
#include "dbcore/sql/pool.h"

namespace lockkeeper::engine {

struct Tuning {
  backfill::Tuning backfill;
  std::chrono::milliseconds lock_timeout{500};  // total budget of blocking requests per attempt
  std::chrono::milliseconds query_timeout{30'000};
  bool operator==(const Tuning&) const = default;
};

// Sessions that must be gone before contract (old) or before a rollback (new).
struct SessionFilter {
  std::string application_name;
  std::string user;
};
struct SessionInfo {
  int pid = 0;
  std::string user;
  std::string application_name;
  std::string state;
};

struct Drift {
  std::string difference;  // "- ..." and "+ ..." lines
};

class Engine {
 public:
  // Told of every instant at which a process might be killed; empty but in tests that do.
  using Observer = std::function<void(std::string_view)>;

  explicit Engine(std::shared_ptr<sql::Pool> pool, Observer observer = {});

  // Reads the catalog, plans, probes. invalid with a path when an operation cannot be; precondition
  // for what the database lacks.
  base::Result<plan::Plan> plan(const base::Context& ctx, const execute::Identity& identity,
                                const std::vector<plan::Operation>& operations,
                                const std::set<std::string>& allow);

  // Ledger made or upgraded, then the record if there is one.
  base::Result<std::optional<execute::Record>> find(const base::Context& ctx,
                                                    const execute::Identity& identity);
  // Re-plans are compared by hash: conflict when the schema moved since `plan` was made. Takes the
  // claims and the fence.
  base::Result<execute::Record> start(const base::Context& ctx, const execute::Identity& identity,
                                      const plan::Plan& plan,
                                      const std::vector<plan::Operation>& operations,
                                      const std::string& approval_hash);
  // A new epoch for a record that this process has not run yet. precondition WrongDatabase when the
  // endpoint now leads elsewhere.
  base::Result<execute::Record> adopt(const base::Context& ctx, const execute::Record& record);

  // Runs all steps that are not done up to and including the verify stage (state ready), or through
  // contract (state completed). Retries locks and lost connections by itself until the context
  // stops. precondition: Blocked, reason says why (RowFails, Drift, VerifyFailed, LagUnknown,
  // DuplicateKeys ...); precondition Fenced: somebody else took over.
  base::Result<execute::Record> expand(const base::Context& ctx, const execute::Record& record,
                                       const Tuning& tuning, execute::Progress& progress);
  base::Result<execute::Record> contract(const base::Context& ctx, const execute::Record& record,
                                         const Tuning& tuning, execute::Progress& progress);
  base::Result<execute::Record> roll_back(const base::Context& ctx, const execute::Record& record,
                                          const Tuning& tuning, execute::Progress& progress);

  // Compares the schema with what the last step left. Empty: no drift. Bounded, one read.
  base::Result<std::optional<Drift>> drift(const base::Context& ctx, const execute::Record& record);

  base::Result<std::vector<SessionInfo>> sessions(const base::Context& ctx,
                                                  const SessionFilter& filter);
  // The value of a query that gives one boolean; read-only, bounded (checks: sql).
  base::Result<bool> ask(const base::Context& ctx, const std::string& query);
  // The ledger row is marked so that a later object can adopt it.
  base::Result<void> orphan(const base::Context& ctx, const execute::Identity& identity);

 private:
  // What plan() read: start() need not read it again while the signature stands.
  struct Seen {
    std::string plan_hash;
    std::string signature;
    catalog::Server server;
  };
  base::Result<plan::Plan> read_and_plan(const base::Context& ctx, sql::Session& session,
                                         const catalog::Request& request,
                                         const std::vector<plan::Operation>& operations,
                                         const plan::Options& options);
  base::Result<void> remember(const base::Context& ctx, sql::Session& session,
                              const plan::Plan& plan, const catalog::Request& request,
                              const catalog::Server& server);
  // The schema that the plan was made for, as it still is; conflict when it moved.
  base::Result<Seen> see(const base::Context& ctx, sql::Session& session, const plan::Plan& plan,
                         const catalog::Request& request, std::vector<std::string>& facts);
  base::Result<execute::Record> work(const base::Context& ctx, const execute::Record& record,
                                     const Tuning& tuning, execute::Progress& progress,
                                     base::Result<void> (*story)(const base::Context&,
                                                                 execute::Job&));

  std::shared_ptr<sql::Pool> pool_;
  Observer observer_;
  base::Mutex mutex_;
  bool ledger_ LK_GUARDED_BY(mutex_) = false;  // known to be there
  std::optional<Seen> seen_ LK_GUARDED_BY(mutex_);
};

// SHA-256 over the canonical form of the operations: recognises the same list under one name.
std::string operations_hash(const std::vector<plan::Operation>& operations);

}  // namespace lockkeeper::engine
