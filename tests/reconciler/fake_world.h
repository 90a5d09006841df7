// A world in memory for the reconcilers, and one Migration in it that the test leads through its
// phases.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "reconciler/database_reconciler.h"
#include "reconciler/migration_reconciler.h"
#include "tests/reconciler/fake_cluster.h"
#include "tests/reconciler/fake_rollout.h"
#include "tests/support/fake_clock.h"

namespace lockkeeper::reconcile::testing {

using namespace std::chrono_literals;
using crds::ConditionType;
using crds::Phase;

// One Migration users-v2 of Database shop in namespace shop, Ready from the start.
class Lab {
 public:
  Lab() : rollout(std::make_shared<FakeRollout>()) {
    rollout->clock = &clock;
    rollout->planned = plan_of("aaaa");
    crds::Database database;
    database.metadata.ns = "shop";
    database.metadata.name = "shop";
    database.metadata.uid = "db-1";
    database.spec.connection.secret_ref.name = "shop-db";
    cluster.databases[{"shop", "shop"}] = database;
    cluster.at(Kind::secret, "shop-db") = {{"data", Json::object()}};
    connect();
    cluster.migrations_[key] = make("users-v2");
  }

  crds::Migration make(const std::string& name) {
    crds::Migration migration;
    migration.metadata.ns = "shop";
    migration.metadata.name = name;
    migration.metadata.uid = "uid-" + name;
    migration.metadata.resource_version = "1";
    migration.metadata.generation = 1;
    migration.metadata.creation_timestamp =
        std::chrono::floor<std::chrono::seconds>(clock.wall()) + std::chrono::seconds(created_++);
    migration.spec.database_ref.name = "shop";
    plan::AddColumn add;
    add.table = "users";
    add.column.name = "plan";
    add.column.type = "text";
    migration.spec.operations = {add};
    return migration;
  }

  void connect() {
    sql::Endpoint endpoint;
    pools.configure({"shop", "shop"}, "db-1", endpoint, {});
    pools.remember({"shop", "shop"}, ServerFacts{});
  }

  World world() {
    const std::stop_token never;
    World w{base::Context(never, clock, base::Logger()), cluster, pools, runner, http, {}};
    w.rollout = [this](const std::shared_ptr<sql::Pool>&) { return rollout; };
    return w;
  }

  crds::Migration& m() { return cluster.migrations_.at(key); }
  crds::MigrationSpec& spec() { return m().spec; }
  crds::MigrationStatus& status() { return m().status; }
  [[nodiscard]] bool gone() const { return !cluster.migrations_.contains(key); }

  // The object is edited: a new generation.
  template <typename Change>
  void edit(Change change) {
    change(spec());
    ++m().metadata.generation;
    m().metadata.resource_version += "e";
  }
  void remove() {
    m().metadata.deletion_timestamp = std::chrono::floor<std::chrono::seconds>(clock.wall());
  }

  Outcome reconcile() {
    auto outcome = reconciler->reconcile(world(), key);
    EXPECT_TRUE(outcome.ok()) << outcome.error().text();
    if (!outcome.ok()) return {};
    cluster.carry_out(key, *outcome);
    return *outcome;
  }
  // Reconciles, lets time pass as the outcome asks and jobs end, until a phase is printed.
  bool until(Phase phase, int most = 60) {
    for (int i = 0; i < most; ++i) {
      const Outcome outcome = reconcile();
      if (gone()) return false;
      if (status().phase == phase) return true;
      pass(outcome);
    }
    return false;
  }
  // The same with jobs ending at once and everything that was decided having happened.
  void settle(int most = 40) {
    for (int i = 0; i < most && !gone(); ++i) pass(reconcile());
  }
  void pass(const Outcome& outcome) {
    clock.advance(outcome.requeue_after.value_or(1s));
    if (runner.busy() && jobs_end) runner.finish();
  }
  bool until_gone(int most = 60) {
    for (int i = 0; i < most; ++i) {
      const Outcome outcome = reconcile();
      if (gone()) return true;
      pass(outcome);
    }
    return false;
  }
  void restart() { reconciler = std::make_unique<MigrationReconciler>(); }

  [[nodiscard]] const crds::Condition* condition(ConditionType type) {
    return status().conditions.find(type);
  }
  [[nodiscard]] std::string reason(ConditionType type) {
    const auto* found = condition(type);
    return found == nullptr ? "" : found->reason;
  }
  [[nodiscard]] bool is_true(ConditionType type) { return status().conditions.is_true(type); }
  [[nodiscard]] bool says(const std::string& word) {
    return status().message.find(word) != std::string::npos;
  }
  [[nodiscard]] bool told(const std::string& event) {
    return std::ranges::find(cluster.events, event) != cluster.events.end();
  }

  const Key key{"shop", "users-v2"};
  support::FakeClock clock;
  FakeCluster cluster;
  Pools pools;
  FakeRunner runner;
  FakeHttp http;
  std::shared_ptr<FakeRollout> rollout;
  std::unique_ptr<MigrationReconciler> reconciler = std::make_unique<MigrationReconciler>();
  bool jobs_end = true;

 private:
  int created_ = 0;
};

}  // namespace lockkeeper::reconcile::testing
