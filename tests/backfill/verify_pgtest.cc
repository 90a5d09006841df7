#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "dbcore/backfill/verify.h"
#include "tests/backfill/field.h"
#include "tests/support/await.h"

namespace lockkeeper::backfill {
namespace {

using base::Context;
using base::ErrorCode;
using support::Field;
using support::PrivatePostgres;

class VerifyTest : public ::testing::Test {
 protected:
  void make(int rows) {
    field_.sql("CREATE TABLE t (id bigint PRIMARY KEY, old int NOT NULL)");
    field_.sql("INSERT INTO t SELECT g, g % 1000 FROM generate_series(1, " + std::to_string(rows) +
               ") g");
    field_.expand("t");
    (void)field_.run(field_.fill("t", {"id"})).value();
  }
  void behind_the_routers_back(const std::string& statement) {
    field_.sql("ALTER TABLE t DISABLE TRIGGER \"~lk_1\"; " + statement +
               "; ALTER TABLE t ENABLE ALWAYS TRIGGER \"~lk_1\"");
  }
  Field field_{PrivatePostgres::shared()};
};

TEST_F(VerifyTest, AFilledTableHasNothingWrong) {
  make(20'000);
  for (const auto& key : {std::vector<std::string>{"id"}, std::vector<std::string>{}}) {
    const auto seen = field_.verify(field_.check("t", key));
    ASSERT_TRUE(seen.ok()) << seen.error().text();
    EXPECT_EQ(*seen, (Verified{20'000, 0, 0, {}}));
  }
}

TEST_F(VerifyTest, WrongAndUnfilledRowsAreCountedAndSomeNamed) {
  make(20'000);
  behind_the_routers_back("UPDATE t SET n = -1 WHERE id IN (7, 15000)");
  behind_the_routers_back("UPDATE t SET n = NULL, _lk_w = NULL WHERE id BETWEEN 18001 AND 18010");
  const auto seen = field_.verify(field_.check("t", {"id"}));
  ASSERT_TRUE(seen.ok()) << seen.error().text();
  EXPECT_EQ(seen->mismatches, 2);
  EXPECT_EQ(seen->pending, 10);
  ASSERT_EQ(seen->sample_keys.size(), 5U);
  EXPECT_EQ(seen->sample_keys[0], "id=7");
  EXPECT_EQ(seen->sample_keys[1], "id=15000");
}

TEST_F(VerifyTest, RepairSendsWrongAndUnfilledRowsThroughTheRouter) {
  make(5'000);
  behind_the_routers_back("UPDATE t SET n = -1 WHERE id IN (7, 4000)");
  behind_the_routers_back("UPDATE t SET n = NULL, _lk_w = NULL WHERE id BETWEEN 101 AND 110");
  const auto repaired = field_.repair(field_.check("t", {"id"}), field_.fill("t", {"id"}));
  ASSERT_TRUE(repaired.ok()) << repaired.error().text();
  EXPECT_EQ(*repaired, 12);
  const auto seen = field_.verify(field_.check("t", {"id"}));
  EXPECT_EQ(seen->mismatches + seen->pending, 0);
}

TEST_F(VerifyTest, RepairIsFenced) {
  make(100);
  behind_the_routers_back("UPDATE t SET n = -1 WHERE id = 7");
  ++field_.fence().epoch;
  const auto repaired = field_.repair(field_.check("t", {"id"}), field_.fill("t", {"id"}));
  ASSERT_FALSE(repaired.ok());
  EXPECT_EQ(repaired.error().reason, "Fenced");
}

TEST_F(VerifyTest, ARowThatCannotBeComparedIsNamed) {
  make(3'000);
  auto check = field_.check("t", {"id"});
  check.mismatch = "1 / (id - 1234) > 5";
  const auto seen = field_.verify(check);
  ASSERT_FALSE(seen.ok());
  EXPECT_EQ(seen.error().reason, "RowFails");
  EXPECT_EQ(seen.error().detail, "id=1234: division by zero");
}

TEST_F(VerifyTest, ChangesNothing) {
  make(1'000);
  behind_the_routers_back("UPDATE t SET n = -1 WHERE id = 7");
  const std::string before = field_.ask("SELECT md5(string_agg(t::text || ctid, ',')) FROM t");
  ASSERT_TRUE(field_.verify(field_.check("t", {"id"})).ok());
  EXPECT_EQ(field_.ask("SELECT md5(string_agg(t::text || ctid, ',')) FROM t"), before);
}

TEST(ReplicaTest, LagIsSeenWaitedForAndUnknownWhenHidden) {
  PrivatePostgres pg;
  Field field(pg);
  field.sql("CREATE TABLE t (id bigint PRIMARY KEY, old int NOT NULL)");
  field.sql("INSERT INTO t SELECT g, g % 1000 FROM generate_series(1, 2000) g");
  field.expand("t");
  auto session =
      sql::Session::connect(Context(), support::endpoint_of(pg, field.database()), {}).value();
  EXPECT_EQ(measure_replica_lag(Context(), session)->worst, std::chrono::milliseconds(0));

  auto replica = pg.make_replica();
  EXPECT_TRUE(support::await([&] { return pg.caught_up(*replica); }));
  EXPECT_LT(measure_replica_lag(Context(), session)->worst, std::chrono::seconds(5));

  pg.create_role("blind");
  auto blind =
      sql::Session::connect(Context(), support::endpoint_of(pg, field.database(), "blind"), {})
          .value();
  EXPECT_EQ(measure_replica_lag(Context(), blind)->worst, std::nullopt);
  pg.execute("postgres", "GRANT pg_monitor TO blind");
  EXPECT_TRUE(measure_replica_lag(Context(), blind)->worst.has_value());

  // A replica that stopped replaying is behind by ever more.
  (void)replica->sql("postgres", "SELECT pg_wal_replay_pause()");
  field.sql("CREATE TABLE big AS SELECT g, repeat('x', 1000) FROM generate_series(1, 40000) g");
  // It tells how far it is when something arrives, else every 10 s only.
  ASSERT_TRUE(support::await([&] {
    field.sql("SELECT pg_logical_emit_message(true, 'tests', 'anything')");
    return measure_replica_lag(Context(), session)->worst > std::chrono::seconds(1);
  }));
  auto tuning = Field::brisk();
  tuning.max_replica_lag = std::chrono::milliseconds(300);
  std::atomic<bool> waited{false};
  std::jthread resumer([&] {
    (void)support::await([&] { return waited.load(); });
    (void)replica->sql("postgres", "SELECT pg_wal_replay_resume()");
  });
  const auto done = field.run(field.fill("t", {"id"}), tuning, {}, [&](const Progress& now) {
    if (now.throttled.find("behind, the limit is 0.3 s") != std::string::npos) waited = true;
  });
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_TRUE(waited);
  EXPECT_EQ(field.wrong("t"), "0");
}

TEST(ReplicaTest, AHiddenLagStopsTheBackfill) {
  PrivatePostgres pg;
  Field field(pg);
  field.sql("CREATE TABLE t (id bigint PRIMARY KEY, old int NOT NULL)");
  field.sql("INSERT INTO t SELECT g, g % 1000 FROM generate_series(1, 5000) g");
  field.expand("t");
  pg.create_role("worker");
  for (const char* grant : {"GRANT USAGE ON SCHEMA lockkeeper TO worker",
                            "GRANT ALL ON ALL TABLES IN SCHEMA lockkeeper, public TO worker"}) {
    field.sql(grant);
  }
  auto replica = pg.make_replica();
  sql::Pool pool(support::endpoint_of(pg, field.database(), "worker"), {});
  const auto stopped =
      run(Context(), pool, field.fence(), "s", field.fill("t", {"id"}), Field::brisk(), {});
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().reason, "LagUnknown") << stopped.error().text();
  EXPECT_EQ(stopped.error().code, ErrorCode::precondition);
}

TEST_F(VerifyTest, RowsPerSecondAreLimited) {
  field_.sql("CREATE TABLE t (id bigint PRIMARY KEY, old int NOT NULL)");
  field_.sql("INSERT INTO t SELECT g, g % 1000 FROM generate_series(1, 6000) g");
  field_.expand("t");
  auto tuning = Field::brisk(2);
  tuning.max_rows_per_second = 4'000;
  const auto start = std::chrono::steady_clock::now();
  std::string told;
  const auto done = field_.run(field_.fill("t", {"id"}), tuning, {}, [&](const Progress& now) {
    if (!now.throttled.empty()) told = now.throttled;
  });
  ASSERT_TRUE(done.ok()) << done.error().text();
  // The last chunk is not waited for.
  EXPECT_GT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
  EXPECT_EQ(told, "held to 4000 rows/s by maxRowsPerSecond");
}

}  // namespace
}  // namespace lockkeeper::backfill
