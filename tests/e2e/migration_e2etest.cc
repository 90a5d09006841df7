// Stories from kubectl apply to the end state: a real API server, a real PostgreSQL, the operator
// under the RBAC that is shipped.
#include <gmock/gmock.h>

#include "tests/e2e/shop.h"
#include "tests/support/await.h"
#include "tests/support/pg_connection.h"

namespace lockkeeper::e2e {
namespace {

using std::chrono::seconds;
using support::await;
using support::PgConnection;
using ::testing::HasSubstr;

const Json add_note = Json::parse(
    R"([{"addColumn": {"table": "users", "column": {"name": "note", "type": "text"}}}])");
const Json add_plan = Json::parse(
    R"([{"addColumn": {"table": "users", "up": "'free'",
         "column": {"name": "plan", "type": "text", "nullable": false}}}])");
const Json rename_name =
    Json::parse(R"([{"renameColumn": {"table": "users", "from": "name", "to": "display_name"}}])");

TEST(MigrationStory, AColumnIsThereAndTheObjectSaysSo) {
  Shop shop;
  shop.migrate("note", add_note);
  ASSERT_TRUE(shop.reaches("note", "Completed"));
  EXPECT_EQ(shop.sql("SELECT count(*) FROM pg_attribute WHERE attname = 'note' "
                     "AND attrelid = 'shop.users'::regclass"),
            "1");
  for (const auto* type : {"Ready", "Planned", "Approved", "Expanded", "Switched", "Contracted"}) {
    EXPECT_EQ(shop.condition("lkm/note", type, "status"), "True") << type;
  }
  EXPECT_EQ(shop.status("lkm/note").at("observedGeneration"), 1);
  EXPECT_EQ(shop.left_behind(), "");
  EXPECT_EQ(shop.leak(), "");
}

TEST(MigrationStory, ARenameTakesBothVersionsAlongAndIsPromotedByHand) {
  Shop shop;
  shop.migrate("rename", rename_name);
  ASSERT_TRUE(shop.reaches("rename", "ReadyToSwitch"));
  shop.execute("UPDATE shop.users SET name = 'old' WHERE id = 1");
  shop.execute("UPDATE shop.users SET display_name = 'new' WHERE id = 2");
  EXPECT_EQ(shop.sql("SELECT name || ' ' || display_name FROM shop.users WHERE id IN (1, 2) "
                     "ORDER BY id"),
            "old old\nnew new");
  EXPECT_THAT(shop.status("lkm/rename").at("message"), HasSubstr("until"));
  shop.patch("rename", {{"spec", {{"until", "Contract"}}}});
  ASSERT_TRUE(shop.reaches("rename", "Completed"));
  EXPECT_EQ(shop.sql("SELECT display_name FROM shop.users WHERE id = 1"), "old");
  EXPECT_EQ(shop.left_behind(), "");
}

TEST(MigrationStory, ARollbackLeavesTheOldShapeWithEveryWrite) {
  Shop shop;
  const auto before = shop.schema();
  shop.migrate("rename", rename_name);
  ASSERT_TRUE(shop.reaches("rename", "ReadyToSwitch"));
  ASSERT_NE(shop.schema(), before);
  shop.execute("UPDATE shop.users SET display_name = 'kept' WHERE id = 2");
  shop.patch("rename", {{"spec", {{"rollback", true}}}});
  ASSERT_TRUE(shop.reaches("rename", "RolledBack"));
  EXPECT_EQ(shop.schema(), before);
  EXPECT_EQ(shop.sql("SELECT name FROM shop.users WHERE id = 2"), "kept");
}

TEST(MigrationStory, DeletingBeforeContractRollsBackAndThenLetsGo) {
  Shop shop;
  const auto before = shop.schema();
  shop.migrate("rename", rename_name);
  ASSERT_TRUE(shop.reaches("rename", "ReadyToSwitch"));
  shop.plane().kubectl({"-n", shop.ns(), "delete", "lkm", "rename", "--timeout=60s"});
  EXPECT_EQ(shop.schema(), before);
}

TEST(MigrationStory, AHazardWaitsForTheApprovalOfItsVeryPlan) {
  Shop shop;
  shop.migrate("drop", Json::parse(R"([{"dropColumn": {"table": "users", "column": "amount"}}])"),
               {{"until", "Contract"}});
  ASSERT_TRUE(shop.reaches("drop", "AwaitingApproval"));
  EXPECT_EQ(shop.condition("lkm/drop", "Approved", "status"), "False");
  shop.patch("drop", {{"spec", {{"approval", {{"planHash", std::string(64, '0')}}}}}});
  ASSERT_TRUE(await([&] { return shop.status("lkm/drop").at("observedGeneration") == 2; }));
  EXPECT_EQ(shop.status("lkm/drop").at("phase"), "AwaitingApproval");
  const std::string hash = shop.status("lkm/drop").at("plan").at("hash");
  shop.patch("drop", {{"spec", {{"approval", {{"planHash", hash}}}}}});
  ASSERT_TRUE(shop.reaches("drop", "Completed"));
  EXPECT_EQ(shop.status("lkm/drop").at("approval").at("hash"), hash);
}

struct BadPlan {
  std::string name;
  std::string operations;
  std::string path;
};

TEST(MigrationStory, WhatCannotBePlannedIsStalledWithItsPathAndNothingRan) {
  const std::vector<BadPlan> plans = {
      {"table", R"([{"addColumn": {"table": "nope", "column": {"name": "x", "type": "text"}}}])",
       "spec.operations[0].addColumn.table"},
      {"type", R"([{"addColumn": {"table": "users", "column": {"name": "x", "type": "flot"}}}])",
       "spec.operations[0].addColumn.column.type"},
      {"column",
       R"([{"addColumn": {"table": "users", "up": "nmae",
            "column": {"name": "x", "type": "text", "nullable": false}}}])",
       "spec.operations[0].addColumn.up"},
      {"syntax",
       R"([{"addColumn": {"table": "users", "up": "name ||",
            "column": {"name": "x", "type": "text", "nullable": false}}}])",
       "spec.operations[0].addColumn.up"},
      {"twice",
       R"([{"changeType": {"table": "users", "column": "amount", "type": "bigint"}},
           {"changeType": {"table": "users", "column": "amount", "type": "numeric"}}])",
       "spec.operations[1].changeType"},
  };
  Shop shop;
  const auto before = shop.schema();
  for (const BadPlan& plan : plans) shop.migrate(plan.name, Json::parse(plan.operations));
  for (const BadPlan& plan : plans) {
    EXPECT_TRUE(shop.says("lkm/" + plan.name, "Stalled", "InvalidPlan")) << plan.name;
    EXPECT_THAT(shop.condition("lkm/" + plan.name, "Stalled", "message"), HasSubstr(plan.path));
  }
  EXPECT_EQ(shop.schema(), before);
}

TEST(FaultStory, WhoHoldsTheTableIsNamedAndTheRestGoesByItself) {
  Shop shop;
  ASSERT_TRUE(shop.says("lkdb/shop", "Ready", "LimitedVisibility"));
  PgConnection holder(shop.uri());
  holder.exec("BEGIN");
  holder.exec("SELECT count(*) FROM shop.users");
  shop.migrate("note", add_note);
  ASSERT_TRUE(await([&] { return shop.status("lkm/note").contains("blockers"); }, seconds(60)));
  EXPECT_EQ(shop.status("lkm/note").at("blockers").at(0).at("pid"), holder.backend_pid());
  holder.exec("COMMIT");
  EXPECT_TRUE(shop.reaches("note", "Completed"));
  EXPECT_FALSE(shop.status("lkm/note").contains("blockers"));
}

TEST(FaultStory, ARowThatRefusesIsNamedAndTheRestGoesOnWhenItIsMended) {
  Shop shop;
  shop.execute("UPDATE shop.users SET amount = 7 WHERE id = 8");
  shop.migrate("unique", Json::parse(R"([{"createIndex": {"table": "users", "unique": true,
      "name": "users_amount", "columns": [{"name": "amount"}]}}])"));
  ASSERT_TRUE(shop.says("lkm/unique", "Ready", "DuplicateKeys"));
  EXPECT_THAT(shop.status("lkm/unique").at("message"), HasSubstr("(7)"));
  shop.execute("UPDATE shop.users SET amount = 8 WHERE id = 8");
  EXPECT_TRUE(shop.reaches("unique", "Completed"));
}

TEST(FaultStory, AKilledOperatorGoesOnFromTheLedger) {
  Shop shop({.rows = 20'000});
  shop.migrate("plan", add_plan,
               {{"until", "Contract"}, {"backfill", {{"maxRowsPerSecond", 4000}}}});
  ASSERT_TRUE(await(
      [&] { return shop.status("lkm/plan").value("/backfill/rowsDone"_json_pointer, 0) > 1'000; },
      seconds(60)));
  shop.lockkeeper().kill();
  EXPECT_NE(shop.sql("SELECT count(*) FROM shop.users WHERE _lk_w IS NULL"), "0");
  shop.lockkeeper().restart();
  ASSERT_TRUE(shop.reaches("plan", "Completed"));
  EXPECT_EQ(shop.sql("SELECT count(*) FROM shop.users WHERE plan IS DISTINCT FROM 'free'"), "0");
  EXPECT_EQ(shop.sql("SELECT count(*) FROM lockkeeper.step WHERE status <> 'done'"), "0");
  EXPECT_EQ(shop.left_behind(), "");
}

TEST(FaultStory, ASecondOperatorTakesOverWhenTheFirstIsGone) {
  Shop shop({.rows = 20'000, .leader_elect = true});
  ASSERT_TRUE(shop.says("lkdb/shop", "Ready", "LimitedVisibility"));
  const auto second = shop.another_operator();
  shop.migrate("plan", add_plan,
               {{"until", "Contract"}, {"backfill", {{"maxRowsPerSecond", 4000}}}});
  ASSERT_TRUE(await(
      [&] { return shop.status("lkm/plan").value("/backfill/rowsDone"_json_pointer, 0) > 1'000; },
      seconds(60)));
  shop.lockkeeper().signal(SIGSTOP);
  EXPECT_TRUE(shop.reaches("plan", "Completed", seconds(120)));
  shop.lockkeeper().signal(SIGCONT);
  // The first finds its lease lost and leaves; it does not touch what the second has done.
  EXPECT_TRUE(await([&] { return !shop.lockkeeper().running(); }, seconds(60)));
  EXPECT_EQ(shop.sql("SELECT count(*) FROM lockkeeper.step WHERE status <> 'done'"), "0");
  EXPECT_EQ(shop.left_behind(), "");
}

TEST(FaultStory, AnAwayApiServerOnlyDelays) {
  Shop shop({.rows = 20'000});
  shop.migrate("plan", add_plan,
               {{"until", "Contract"}, {"backfill", {{"maxRowsPerSecond", 8000}}}});
  ASSERT_TRUE(await(
      [&] { return shop.status("lkm/plan").value("/backfill/rowsDone"_json_pointer, 0) > 1'000; },
      seconds(60)));
  shop.plane().restart("apiserver");
  EXPECT_TRUE(shop.reaches("plan", "Completed", seconds(120)));
  EXPECT_TRUE(shop.lockkeeper().running());
}

}  // namespace
}  // namespace lockkeeper::e2e
