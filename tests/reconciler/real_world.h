// The reconcilers on a private PostgreSQL: the real engine, real pools, jobs in threads; only the
// cluster is in memory.
#pragma once

#include <thread>

#include "tests/reconciler/fake_world.h"
#include "tests/support/await.h"
#include "tests/support/pg_connection.h"
#include "tests/support/private_postgres.h"

namespace lockkeeper::reconcile::testing {

// One job at a time, in a thread of its own.
class ThreadRunner final : public Runner {
 public:
  ~ThreadRunner() override { cancel(""); }

  bool start(const JobKey& key, Job job) override {
    base::Lock lock(mutex_);
    if (running_ || result_) return false;
    key_ = key;
    running_ = true;
    progress_ = std::make_shared<execute::Progress>();
    thread_ = std::jthread(
        [this, job = std::move(job), progress = progress_](const std::stop_token& stop) {
          auto result = job(base::Context(stop, base::Clock::real(), base::Logger()), *progress);
          base::Lock inner(mutex_);
          result_ = std::move(result);
          running_ = false;
        });
    return true;
  }
  [[nodiscard]] std::optional<JobView> poll(const std::string&) const override {
    base::Lock lock(mutex_);
    if (!running_ && !result_) return std::nullopt;
    JobView view;
    view.key = key_;
    view.running = running_;
    view.progress = progress_->read();
    if (!running_) view.result = result_;
    return view;
  }
  void cancel(const std::string&) override { thread_.request_stop(); }
  void cancel_at_next_step(const std::string&) override {
    base::Lock lock(mutex_);
    if (progress_ != nullptr) progress_->stop_at_next_step(thread_.get_stop_source());
  }
  void forget(const std::string&) override {
    base::Lock lock(mutex_);
    if (!running_) result_.reset();
  }

 private:
  mutable base::Mutex mutex_;
  JobKey key_ LK_GUARDED_BY(mutex_);
  bool running_ LK_GUARDED_BY(mutex_) = false;
  std::optional<base::Result<execute::Record>> result_ LK_GUARDED_BY(mutex_);
  std::shared_ptr<execute::Progress> progress_ LK_GUARDED_BY(mutex_);
  std::jthread thread_;
};

// Database shop of a role that owns it; Migration users-v2 on its table users.
class RealLab {
 public:
  RealLab() : pg(support::PrivatePostgres::shared()) {
    static int number = 0;
    role = "op_" + std::to_string(++number);
    pg.create_role(role);
    name = pg.create_database(role);
    crds::Database database;
    database.metadata.ns = "shop";
    database.metadata.name = "shop";
    database.metadata.uid = "db-1";
    database.metadata.resource_version = "1";
    database.metadata.generation = 1;
    database.metadata.finalizers = {std::string(crds::finalizer)};
    database.spec.connection.secret_ref.name = "shop-db";
    database.spec.connection.tls.mode = crds::TlsMode::disable;
    database.spec.retry.max_attempts = 1;
    database.spec.pool.max = 8;
    database.spec.pool.min = 0;
    cluster.databases[database_key] = database;
    secret(pg.uri(role, name));
    crds::Migration migration;
    migration.metadata.ns = "shop";
    migration.metadata.name = "users-v2";
    migration.metadata.uid = "uid-1";
    migration.metadata.resource_version = "1";
    migration.metadata.generation = 1;
    migration.metadata.creation_timestamp = std::chrono::sys_seconds(std::chrono::hours(1));
    migration.spec.database_ref.name = "shop";
    migration.spec.backfill.pause = std::chrono::milliseconds(0);
    cluster.migrations_[key] = migration;
  }

  void secret(const std::string& uri) {
    cluster.at(Kind::secret, "shop-db") = {{"stringData", {{"uri", uri}}}};
  }
  World world() {
    return {
        base::Context().with_timeout(std::chrono::seconds(60)), cluster, pools, runner, http, {}};
  }
  void look_at_database() {
    const auto outcome = databases.reconcile(world(), database_key);
    ASSERT_TRUE(outcome.ok()) << outcome.error().text();
    if (outcome->status == nullptr) return;
    db().status = crds::read_lenient<crds::DatabaseStatus>(*outcome->status, "status").value();
  }
  void reconcile() {
    const auto outcome = migrations.reconcile(world(), key);
    ASSERT_TRUE(outcome.ok()) << outcome.error().text();
    cluster.carry_out(key, *outcome);
  }
  bool until(Phase phase, std::chrono::seconds most = std::chrono::seconds(60)) {
    return support::await(
        [&] {
          reconcile();
          return gone() || m().status.phase == phase;
        },
        most);
  }
  template <typename Change>
  void edit(Change change) {
    change(m().spec);
    ++m().metadata.generation;
  }
  crds::Migration& m() { return cluster.migrations_.at(key); }
  crds::Database& db() { return cluster.databases.at(database_key); }
  [[nodiscard]] bool gone() const { return !cluster.migrations_.contains(key); }
  std::string ready_reason() {
    const auto* ready = db().status.conditions.find(ConditionType::ready);
    return ready == nullptr ? "" : ready->reason;
  }

  const Key key{"shop", "users-v2"};
  const Key database_key{"shop", "shop"};
  support::PrivatePostgres& pg;
  std::string role;
  std::string name;
  FakeCluster cluster;
  Pools pools;
  FakeHttp http;
  DatabaseReconciler databases;
  MigrationReconciler migrations;
  ThreadRunner runner;
};

}  // namespace lockkeeper::reconcile::testing
