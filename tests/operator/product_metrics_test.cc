#include "operator/product_metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operator/kube/metrics.h"

namespace lockkeeper::app {
namespace {

reconcile::PoolView shop() {
  reconcile::PoolView pool;
  pool.database = {"shop", "main"};
  pool.max = 20;
  pool.statistics.open = 5;
  pool.statistics.idle = 2;
  pool.statistics.connecting = 1;
  pool.statistics.waiting = 3;
  pool.statistics.acquire_wait = std::chrono::milliseconds(1'500);
  pool.facts.emplace().activity.emplace();
  pool.facts->activity->connections = {{"active", 5}, {"idle in transaction", 2}};
  pool.facts->activity->longest_transaction = std::chrono::seconds(93);
  return pool;
}

std::string text_of(std::vector<reconcile::PoolView> pools) {
  kube::Metrics metrics;
  metrics.add_collector([pools = std::move(pools)] { return pool_metrics(pools); });
  return metrics.text();
}

TEST(PoolMetrics, EachPoolHasItsSessionsByState) {
  const std::string text = text_of({shop()});
  const std::string of = "{namespace=\"shop\",database=\"main\",role=\"primary\"";
  for (const std::string& line : {
           "lockkeeper_pool_sessions" + of + ",state=\"in_use\"} 2",
           "lockkeeper_pool_sessions" + of + ",state=\"idle\"} 2",
           "lockkeeper_pool_max_sessions" + of + "} 20",
           "lockkeeper_pool_waiting" + of + "} 3",
           "lockkeeper_pool_acquire_wait_seconds_total" + of + "} 1.5",
           "lockkeeper_database_connections" + of + ",state=\"idle in transaction\"} 2",
           "lockkeeper_database_longest_transaction_seconds" + of + "} 93",
       }) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
}

TEST(PoolMetrics, AServerThatDidNotAnswerHasNoOldNumbers) {
  reconcile::PoolView pool = shop();
  pool.facts.reset();
  const std::string text = text_of({pool});
  EXPECT_EQ(text.find("lockkeeper_database_connections{"), std::string::npos);
  EXPECT_NE(text.find("lockkeeper_pool_max_sessions{"), std::string::npos);
}

TEST(PoolMetrics, EveryFamilySaysWhatItIs) {
  for (const auto& family : pool_metrics({shop()})) {
    EXPECT_FALSE(family.help.empty()) << family.name;
    EXPECT_TRUE(family.name.starts_with("lockkeeper_")) << family.name;
    const bool counts = family.type == prometheus::MetricType::Counter;
    EXPECT_EQ(counts, family.name.ends_with("_total")) << family.name;
  }
}

TEST(ObjectMetrics, CountsWhatTheStoreHoldsByPhase) {
  MigrationStore migrations;
  DatabaseStore databases;
  for (int i = 0; i < 3; ++i) {
    auto migration = std::make_shared<crds::Migration>();
    migration->status.phase = i == 0 ? crds::Phase::baking : crds::Phase::completed;
    Cached<crds::Migration> cached;
    cached.object = migration;
    kube::Entry<Cached<crds::Migration>> entry;
    entry.object = std::make_shared<const Cached<crds::Migration>>(cached);
    migrations.put({.ns = "shop", .name = std::to_string(i)}, entry);
  }
  kube::Metrics metrics;
  metrics.add_collector([&] { return object_metrics(migrations, databases); });
  const std::string text = metrics.text();
  EXPECT_NE(text.find("lockkeeper_store_objects{kind=\"Migration\"} 3"), std::string::npos);
  EXPECT_NE(text.find("lockkeeper_migrations{phase=\"Completed\"} 2"), std::string::npos);
  EXPECT_NE(text.find("lockkeeper_migrations_stalled 0"), std::string::npos);
}

TEST(SlowStatements, AreListedNewestFirst) {
  reconcile::PoolView pool = shop();
  const auto at = [](int seconds) { return base::Clock::Wall(std::chrono::seconds(seconds)); };
  pool.slow = {{at(20), std::chrono::milliseconds(1'200), "CREATE", "ab", "lockkeeper", 7}};
  reconcile::PoolView other = shop();
  other.database.name = "second";
  other.slow = {{at(30), std::chrono::milliseconds(9'000), "UPDATE", "cd", "lockkeeper", 8}};
  const auto answer = nlohmann::json::parse(slow_statements({pool, other}));
  ASSERT_EQ(answer["statements"].size(), 2U);
  EXPECT_EQ(answer["statements"][0]["database"], "second");
  EXPECT_EQ(answer["statements"][0]["durationMs"], 9000);
  EXPECT_EQ(answer["statements"][1]["verb"], "CREATE");
}

}  // namespace
}  // namespace lockkeeper::app
