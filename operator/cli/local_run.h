// Runs Migrations of a file against one database with the operator's own reconciler: same phases,
// same ledger, same engine. One thread drives; the reconciler's jobs have theirs.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "operator/cli/ending.h"
#include "operator/cli/local_cluster.h"
#include "operator/cli/verbs.h"
#include "operator/job_runner.h"
#include "reconciler/migration_reconciler.h"

namespace lockkeeper::cli {

class LocalRun {
 public:
  using Judge = std::function<Judgement(const crds::Migration&)>;
  using Watch = std::function<void(const crds::Migration&)>;

  LocalRun(const base::Context& ctx, std::vector<crds::Migration> migrations,
           const DatabaseOptions& options);
  ~LocalRun();
  LocalRun(const LocalRun&) = delete;
  LocalRun& operator=(const LocalRun&) = delete;

  // Connects, looks at the server and makes the ledger. Errors are those of connecting;
  // precondition when the server may not be worked on.
  base::Result<void> open(const DatabaseOptions& options);

  [[nodiscard]] const std::vector<reconcile::Key>& keys() const { return cluster_.keys(); }
  [[nodiscard]] const crds::Migration& at(const reconcile::Key& key) const {
    return cluster_.at(key);
  }

  // Reconciles one until it is over: done, failed, or waiting for somebody for longer than wait.
  // watch is told after each look. cancelled when the context was stopped.
  base::Result<Judgement> drive(const reconcile::Key& key, const Judge& judge,
                                std::chrono::milliseconds wait, const Watch& watch);

 private:
  class Alarm;
  base::Result<std::chrono::milliseconds> look(const reconcile::Key& key);
  base::Result<void> prepare(const reconcile::Key& key, const crds::Database& database,
                             const sql::Endpoint& endpoint);

  const base::Context ctx_;
  LocalCluster cluster_;
  NoProbe probe_;
  reconcile::Pools pools_;
  std::unique_ptr<Alarm> alarm_;
  reconcile::MigrationReconciler reconciler_;
  app::JobRunner runner_;  // last: its jobs use the rest
};

}  // namespace lockkeeper::cli
