// The work of a leader: the controllers of both kinds, the jobs they start, the pools they share.
// Built before the informers run (it listens to them), started once when this process leads.
#pragma once

#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "operator/cluster_view.h"
#include "operator/job_runner.h"
#include "operator/kube/controller.h"
#include "operator/kube/events.h"
#include "operator/kube/informer.h"
#include "operator/kube/metrics.h"
#include "operator/outcome_writer.h"
#include "reconciler/database_reconciler.h"
#include "reconciler/migration_reconciler.h"
#include "reconciler/world.h"

namespace lockkeeper::app {

using MigrationInformer = kube::Informer<Cached<crds::Migration>>;
using DatabaseInformer = kube::Informer<Cached<crds::Database>>;

// What the work stands on; all of it outlives the Work.
struct Foundation {
  kube::Client& client;
  MigrationInformer& migrations;
  DatabaseInformer& databases;
  ClusterView& view;
  kube::EventRecorder& events;
  kube::Metrics& metrics;
  reconcile::Pools& pools;
  reconcile::HttpProbe& probe;
  std::filesystem::path runtime_dir;
  int workers = 1;
};

class Work {
 public:
  // root: stopped when this process must no longer act.
  Work(const base::Context& root, const Foundation& foundation);
  ~Work() { stop(); }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  void start();
  // Waits for controllers and jobs; the root must have been stopped before.
  void stop();

 private:
  void listen();
  void migration_changed(const kube::Change<Cached<crds::Migration>>& change);
  void database_changed(const kube::Change<Cached<crds::Database>>& change);
  // All Migrations of a Database that are not at their end.
  void wake_users(const reconcile::Key& database);
  // Those that may have waited for this Migration, and its Database.
  void wake_neighbours(const crds::Migration& migration);
  reconcile::World world(const base::Context& ctx);
  template <typename Reconciler>
  base::Result<kube::Reconciled> reconcile(const base::Context& ctx, reconcile::Kind kind,
                                           const kube::ObjectKey& key, Reconciler& reconciler);

  const base::Context root_;
  const Foundation on_;
  OutcomeWriter writer_;
  reconcile::MigrationReconciler migration_reconciler_;
  reconcile::DatabaseReconciler database_reconciler_;
  kube::Controller migration_controller_;
  kube::Controller database_controller_;
  JobRunner runner_;
  std::vector<std::jthread> threads_;
};

}  // namespace lockkeeper::app
