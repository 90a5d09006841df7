// Changes by hand between plan and end: nothing is lost, the object shows the difference, and once
// it is taken back, or the Migration is, the rest goes by itself.
#include <gmock/gmock.h>

#include "tests/e2e/shop.h"
#include "tests/support/await.h"

namespace lockkeeper::e2e {
namespace {

using std::chrono::seconds;
using support::await;
using ::testing::HasSubstr;

const Json rename_name =
    Json::parse(R"([{"renameColumn": {"table": "users", "from": "name", "to": "display_name"}}])");
const Json slowly = {{"until", "Contract"}, {"backfill", {{"maxRowsPerSecond", 4000}}}};

bool backfills(const Shop& shop) {
  return await(
      [&] { return shop.status("lkm/rename").value("/backfill/rowsDone"_json_pointer, 0) > 500; },
      seconds(60));
}

std::string router(const Shop& shop) {
  return shop.sql(
      "SELECT tgname FROM pg_trigger WHERE tgrelid = 'shop.users'::regclass AND NOT tgisinternal");
}

void expect_drift(const Shop& shop, const std::string& difference) {
  EXPECT_TRUE(shop.says("lkm/rename", "Ready", "Drift"));
  const auto message = shop.condition("lkm/rename", "Ready", "message");
  EXPECT_THAT(message, HasSubstr("Blocked (Drift)"));
  EXPECT_THAT(message, HasSubstr(difference));
  EXPECT_THAT(message, HasSubstr("hint: "));
}

// The old column is the one that holds everything until contract.
void expect_nothing_contracted(const Shop& shop) {
  EXPECT_EQ(shop.sql("SELECT count(name) FROM shop.users"),
            shop.sql("SELECT count(*) FROM shop.users"));
}

TEST(DriftStory, BeforeTheFirstDdlItMakesANewPlanAndTheApprovalIsVoid) {
  Shop shop;
  shop.migrate("rename", rename_name,
               {{"until", "Contract"}, {"safety", {{"approval", "Always"}}}});
  ASSERT_TRUE(shop.reaches("rename", "AwaitingApproval"));
  const std::string old_hash = shop.status("lkm/rename").at("plan").at("hash");
  shop.execute("ALTER TABLE shop.users ADD COLUMN by_hand int");
  shop.patch("rename", {{"spec", {{"approval", {{"planHash", old_hash}}}}}});
  ASSERT_TRUE(await([&] { return shop.status("lkm/rename").at("plan").at("hash") != old_hash; },
                    seconds(60)));
  EXPECT_TRUE(shop.says("lkm/rename", "Planned", "PlanChanged"));
  EXPECT_THAT(shop.condition("lkm/rename", "Planned", "message"), HasSubstr("by_hand"));
  EXPECT_EQ(shop.status("lkm/rename").at("phase"), "AwaitingApproval");
  EXPECT_EQ(shop.sql("SELECT count(*) FROM lockkeeper.step"), "0");
  shop.patch(
      "rename",
      {{"spec", {{"approval", {{"planHash", shop.status("lkm/rename").at("plan").at("hash")}}}}}});
  EXPECT_TRUE(shop.reaches("rename", "Completed"));
  EXPECT_EQ(shop.sql("SELECT count(by_hand) FROM shop.users"), "0");
}

TEST(DriftStory, AColumnMadeByHandInTheMiddleHoldsTheRestUntilItIsGone) {
  Shop shop({.rows = 10'000});
  shop.migrate("rename", rename_name, slowly);
  ASSERT_TRUE(backfills(shop));
  shop.execute("ALTER TABLE shop.users ADD COLUMN by_hand int");
  expect_drift(shop, "by_hand");
  expect_nothing_contracted(shop);
  shop.execute("INSERT INTO shop.users (name) VALUES ('meanwhile')");
  shop.execute("ALTER TABLE shop.users DROP COLUMN by_hand");
  EXPECT_TRUE(shop.reaches("rename", "Completed"));
  EXPECT_EQ(shop.sql("SELECT count(*) FROM shop.users WHERE display_name = 'meanwhile'"), "1");
  EXPECT_EQ(shop.left_behind(), "");
}

TEST(DriftStory, AColumnDroppedByHandInTheMiddleIsShownAndTheWayBackIsOpen) {
  Shop shop({.rows = 10'000});
  shop.migrate("rename", rename_name, slowly);
  ASSERT_TRUE(backfills(shop));
  shop.execute("ALTER TABLE shop.users DROP COLUMN amount");
  expect_drift(shop, "amount");
  shop.patch("rename", {{"spec", {{"rollback", true}}}});
  EXPECT_TRUE(shop.reaches("rename", "RolledBack"));
  EXPECT_EQ(shop.sql("SELECT count(name) FROM shop.users"), "10000");
  EXPECT_EQ(shop.left_behind(), "");
}

TEST(DriftStory, ARouterDroppedByHandDuringTheBackfillIsShownAndTheWayBackIsOpen) {
  Shop shop({.rows = 10'000});
  const auto before = shop.schema();
  shop.migrate("rename", rename_name, slowly);
  ASSERT_TRUE(backfills(shop));
  const auto trigger = router(shop);
  shop.execute("DROP TRIGGER \"" + trigger + "\" ON shop.users");
  shop.execute("UPDATE shop.users SET name = 'while it was gone' WHERE id = 7");
  expect_drift(shop, trigger);
  expect_nothing_contracted(shop);
  shop.patch("rename", {{"spec", {{"rollback", true}}}});
  EXPECT_TRUE(shop.reaches("rename", "RolledBack"));
  EXPECT_EQ(shop.schema(), before);
  EXPECT_EQ(shop.sql("SELECT name FROM shop.users WHERE id = 7"), "while it was gone");
}

TEST(DriftStory, ARouterDroppedByHandBeforeTheSwitchHoldsContract) {
  Shop shop;
  const auto before = shop.schema();
  shop.migrate("rename", rename_name);
  ASSERT_TRUE(shop.reaches("rename", "ReadyToSwitch"));
  const auto trigger = router(shop);
  shop.execute("DROP TRIGGER \"" + trigger + "\" ON shop.users");
  shop.execute("UPDATE shop.users SET name = 'while it was gone' WHERE id = 7");
  shop.patch("rename", {{"spec", {{"until", "Contract"}}}});
  expect_drift(shop, trigger);
  expect_nothing_contracted(shop);
  shop.patch("rename", {{"spec", {{"rollback", true}}}});
  EXPECT_TRUE(shop.reaches("rename", "RolledBack"));
  EXPECT_EQ(shop.schema(), before);
  EXPECT_EQ(shop.sql("SELECT name FROM shop.users WHERE id = 7"), "while it was gone");
}

TEST(DriftStory, WhatWasWrittenWhileTheRouterWasOffIsBroughtAlongOrNamed) {
  Shop shop;
  shop.migrate("rename", rename_name);
  ASSERT_TRUE(shop.reaches("rename", "ReadyToSwitch"));
  const auto trigger = "\"" + router(shop) + "\"";
  shop.execute("ALTER TABLE shop.users DISABLE TRIGGER " + trigger);
  shop.execute("INSERT INTO shop.users (name) VALUES ('while it was off')");
  shop.patch("rename", {{"spec", {{"until", "Contract"}}}});
  expect_drift(shop, "~lk");
  shop.execute("ALTER TABLE shop.users ENABLE ALWAYS TRIGGER " + trigger);
  EXPECT_TRUE(shop.reaches("rename", "Completed"));
  EXPECT_EQ(shop.sql("SELECT count(*) FROM shop.users WHERE display_name = 'while it was off'"),
            "1");
  EXPECT_EQ(shop.left_behind(), "");
}

}  // namespace
}  // namespace lockkeeper::e2e
