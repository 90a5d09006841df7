// Plans that operations led to, carried out.
#include <thread>

#include "tests/engine/disturbed.h"
#include "tests/support/await.h"
#include "tests/support/pg_connection.h"

namespace lockkeeper::engine {
namespace {

using base::Context;
using base::ErrorCode;
using execute::Playground;
using execute::State;
using namespace std::chrono_literals;

class PlannedTest : public ::testing::Test {
 protected:
  void SetUp() override { main_job().prepare(ground_); }

  base::Result<plan::Plan> plan(const std::vector<plan::Operation>& operations) {
    return engine_.plan(Context(), identity_, operations, {});
  }

  Playground ground_;
  Engine engine_{ground_.pool};
  execute::Identity identity_{"public", "shop/users"};
  execute::Progress progress_;
  Tuning tuning_;
};

TEST_F(PlannedTest, TheMainJobGoesThroughAndLeavesNothingOfOurs) {
  const auto record = begin_planned(ground_, main_operations());
  LK_ASSERT_OK(record);
  const auto ready = engine_.expand(Context(), *record, tuning_, progress_);
  LK_ASSERT_OK(ready);
  EXPECT_EQ(ready->state, State::ready);
  // Both versions write while it is ready.
  ground_.run("INSERT INTO t (id, name, ref) VALUES (10001, 'old', 1)");
  ground_.run("INSERT INTO t (id, display_name, ref, plan) VALUES (10002, 'new', 2, 'paid')");
  EXPECT_EQ(ground_.ask("SELECT name, display_name, plan FROM t WHERE id > 10000 ORDER BY id"),
            "old|old|free\nnew|new|paid");
  LK_ASSERT_OK(engine_.drift(Context(), *ready));
  EXPECT_FALSE(engine_.drift(Context(), *ready)->has_value());
  const auto completed = engine_.contract(Context(), *ready, tuning_, progress_);
  LK_ASSERT_OK(completed);
  EXPECT_EQ(completed->state, State::completed);
  const auto dump = ground_.pg.dump_schema(ground_.db, {"--schema=public"});
  EXPECT_EQ(dump.find("_lk_"), std::string::npos) << dump;
  EXPECT_EQ(dump.find("~lk"), std::string::npos) << dump;
  EXPECT_EQ(ground_.ask("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"), "0");
  EXPECT_EQ(ground_.ask("SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = "
                        "p.pronamespace WHERE n.nspname = 'lockkeeper' AND proname LIKE '%lk%'"),
            "0");
  EXPECT_EQ(ground_.ask("SELECT count(*) FROM lockkeeper.claim"), "0");
}

TEST_F(PlannedTest, TheMainJobIsTakenBackWithTheWritesOfBothVersionsKept) {
  const auto before = ground_.pg.dump_schema(ground_.db, {"--schema=public"});
  const auto record = begin_planned(ground_, main_operations());
  LK_ASSERT_OK(record);
  LK_ASSERT_OK(engine_.expand(Context(), *record, tuning_, progress_));
  ground_.run("UPDATE t SET display_name = 'changed by new' WHERE id = 7");
  LK_ASSERT_OK(engine_.roll_back(Context(), *record, tuning_, progress_));
  EXPECT_EQ(ground_.pg.dump_schema(ground_.db, {"--schema=public"}), before);
  EXPECT_EQ(ground_.ask("SELECT name FROM t WHERE id = 7"), "changed by new");
}

TEST_F(PlannedTest, ASchemaThatMovedBetweenPlanAndStartIsRefused) {
  LK_ASSERT_OK(engine_.find(Context(), identity_));
  const auto made = plan(main_operations());
  LK_ASSERT_OK(made);
  ground_.run("ALTER TABLE t ADD COLUMN extra int");
  const auto refused = engine_.start(Context(), identity_, *made, main_operations(), made->hash);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(refused.error().reason, "SchemaMoved");
  EXPECT_NE(refused.error().detail.find("extra"), std::string::npos);
}

// Debian's 15.20 keeps numbers of its own in attoptions (pg_attver), and another minor version may
// write them anew: rows of the catalog move, and no fact does.
TEST_F(PlannedTest, WhatAMinorVersionWritesIntoTheCatalogIsNoDrift) {
  const auto record = begin_planned(ground_, main_operations());
  LK_ASSERT_OK(record);
  const auto rewrite = [&](const std::string& options) {
    ground_.pg.execute(ground_.db,
                       "SET allow_system_table_mods = on; UPDATE pg_attribute SET "
                       "attoptions = " +
                           options + " WHERE attrelid = 't'::regclass");
  };
  rewrite("ARRAY['pg_attver=4711']");
  const auto ready = engine_.expand(Context(), *record, tuning_, progress_);
  LK_ASSERT_OK(ready);
  rewrite("NULL");
  EXPECT_FALSE(engine_.drift(Context(), *ready)->has_value());
  LK_ASSERT_OK(engine_.contract(Context(), *ready, tuning_, progress_));
}

TEST_F(PlannedTest, ATriggerDroppedByHandStopsContract) {
  const auto record = begin_planned(ground_, main_operations());
  LK_ASSERT_OK(record);
  const auto ready = engine_.expand(Context(), *record, tuning_, progress_);
  LK_ASSERT_OK(ready);
  const auto name =
      ground_.ask("SELECT quote_ident(tgname) FROM pg_trigger WHERE NOT tgisinternal");
  ground_.run("ALTER TABLE t DISABLE TRIGGER " + name);
  const auto drift = engine_.drift(Context(), *ready);
  LK_ASSERT_OK(drift);
  EXPECT_TRUE(drift->has_value());
  const auto stopped = engine_.contract(Context(), *ready, tuning_, progress_);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().reason, "Drift");
  ground_.run("ALTER TABLE t ENABLE ALWAYS TRIGGER " + name);
  LK_ASSERT_OK(engine_.contract(Context(), *ready, tuning_, progress_));
}

TEST_F(PlannedTest, RowsWrittenWithoutTheRouterAreRepairedOnceAndNamedWhenTheyCannotBe) {
  const auto record = begin_planned(ground_, main_operations());
  LK_ASSERT_OK(record);
  const auto ready = engine_.expand(Context(), *record, tuning_, progress_);
  LK_ASSERT_OK(ready);
  const auto name =
      ground_.ask("SELECT quote_ident(tgname) FROM pg_trigger WHERE NOT tgisinternal");
  // One row as a failover may leave it, unfilled; two marked as routed in which a column lies.
  ground_.run("ALTER TABLE t DISABLE TRIGGER " + name);
  ground_.run("UPDATE t SET display_name = NULL, _lk_w = NULL WHERE id = 4");
  ground_.run("UPDATE t SET display_name = 'a lie' WHERE id = 5");
  ground_.run("UPDATE t SET name = 'unrouted' WHERE id = 6");
  ground_.run("ALTER TABLE t ENABLE ALWAYS TRIGGER " + name);
  // A row that a client holds is not waited for.
  support::PgConnection holder(ground_.pg.uri("lk_owner", ground_.db));
  holder.exec("BEGIN; SELECT * FROM t WHERE id = 6 FOR UPDATE");
  const auto stopped = engine_.contract(Context(), *ready, tuning_, progress_);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::precondition);
  EXPECT_EQ(stopped.error().reason, "VerifyFailed");
  EXPECT_EQ(stopped.error().detail, "id=6") << stopped.error().text();
  EXPECT_EQ(ground_.ask("SELECT display_name FROM t WHERE id IN (4, 5) ORDER BY id"),
            "name 4\nname 5");
  EXPECT_EQ(ground_.ask("SELECT detail FROM lockkeeper.event WHERE kind = 'Repaired'"),
            "2 rows of t: id=4; id=5; id=6");
  EXPECT_EQ(ground_.ask("SELECT state FROM lockkeeper.migration"), "ready");
  holder.exec("COMMIT");
  LK_ASSERT_OK(engine_.contract(Context(), *ready, tuning_, progress_));
  EXPECT_EQ(ground_.ask("SELECT display_name FROM t WHERE id = 6"), "unrouted");
}

TEST_F(PlannedTest, ForcedRowSecurityIsRefusedWithItsReason) {
  ground_.run("ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY");
  const auto refused = plan(main_operations());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "ForceRowSecurity");
}

TEST_F(PlannedTest, ATableOfSomebodyElseIsRefusedWithTheGrant) {
  ground_.pg.execute(ground_.db, "ALTER TABLE t OWNER TO postgres; GRANT ALL ON t TO lk_owner");
  const auto refused = plan(main_operations());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "NotOwner");
  EXPECT_NE(refused.error().hint.find("GRANT \"postgres\" TO \"lk_owner\""), std::string::npos);
}

TEST_F(PlannedTest, TheHashTellsListsOfOperationsApart) {
  auto other = main_operations();
  EXPECT_EQ(operations_hash(main_operations()), operations_hash(other));
  std::get<plan::AddColumn>(other[1]).column.nullable = true;
  EXPECT_NE(operations_hash(main_operations()), operations_hash(other));
  other = main_operations();
  std::swap(other[0], other[1]);
  EXPECT_NE(operations_hash(main_operations()), operations_hash(other));
}

}  // namespace
}  // namespace lockkeeper::engine
