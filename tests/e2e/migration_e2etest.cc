// Stories from kubectl apply to the end state: a real API server, a real PostgreSQL, the operator
// under the RBAC that is shipped.
#include <gmock/gmock.h>

#include <regex>

#include "tests/e2e/client.h"
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
      {"missing", R"([{"renameColumn": {"table": "users", "from": "nick", "to": "handle"}}])",
       "spec.operations[0].renameColumn.from"},
      {"trigger", R"([{"renameColumn": {"table": "guarded", "from": "name", "to": "title"}}])",
       "spec.operations[0].renameColumn"},
      {"foreign", R"([{"addColumn": {"table": "public.users",
                       "column": {"name": "x", "type": "text"}}}])",
       "spec.operations[0].addColumn.table"},
  };
  Shop shop;
  // Fires after the router whatever the router is called, and would undo what it did.
  shop.execute(
      "CREATE TABLE shop.guarded (id int PRIMARY KEY, name text);"
      "CREATE FUNCTION shop.guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
      "CREATE TRIGGER \"~~guard\" BEFORE INSERT OR UPDATE ON shop.guarded FOR EACH ROW EXECUTE "
      "FUNCTION shop.guard()");
  const auto before = shop.schema();
  for (const BadPlan& plan : plans) shop.migrate(plan.name, Json::parse(plan.operations));
  for (const BadPlan& plan : plans) {
    EXPECT_TRUE(shop.says("lkm/" + plan.name, "Stalled", "InvalidPlan")) << plan.name;
    const auto message = shop.condition("lkm/" + plan.name, "Stalled", "message");
    EXPECT_THAT(message, HasSubstr(plan.path));
    EXPECT_THAT(message, HasSubstr("hint: "));
  }
  EXPECT_EQ(shop.schema(), before);
}

int attempts_of(const Json& status) {
  const std::string message = status.value("message", "");
  std::smatch found;
  return std::regex_search(message, found, std::regex("attempt ([0-9]+)")) ? std::stoi(found[1])
                                                                           : 0;
}

// Who waits behind us waits for as long as we do, and no longer.
TEST(FaultStory, WhoHoldsTheTableIsNamedNobodyWaitsLongAndTheRestGoesByItself) {
  Shop shop;
  ASSERT_TRUE(shop.says("lkdb/shop", "Ready", "LimitedVisibility"));
  PgConnection holder(shop.uri());
  holder.exec("BEGIN");
  holder.exec("SELECT count(*) FROM shop.users");
  Client reader(shop.uri(), "SELECT name FROM shop.users WHERE id = 5");
  Client writer(shop.uri(), "UPDATE shop.users SET amount = amount + 1 WHERE id = 6");
  shop.migrate("note", add_note, {{"safety", {{"lockTimeout", "750ms"}}}});
  ASSERT_TRUE(await([&] { return shop.status("lkm/note").contains("blockers"); }, seconds(60)));
  const auto blocker = shop.status("lkm/note").at("blockers").at(0);
  EXPECT_EQ(blocker.at("pid"), holder.backend_pid());
  EXPECT_EQ(blocker.at("user"), shop.role());
  EXPECT_THAT(blocker.at("queryAge").get<std::string>(), ::testing::EndsWith("s"));
  const std::string message = shop.status("lkm/note").at("message");
  EXPECT_THAT(message, HasSubstr("Blocked (LockBlocked)"));
  EXPECT_THAT(message, HasSubstr("pid " + std::to_string(holder.backend_pid())));
  EXPECT_THAT(message, HasSubstr("users"));
  ASSERT_TRUE(await([&] { return attempts_of(shop.status("lkm/note")) >= 3; }, seconds(60)));
  EXPECT_EQ(shop.status("lkm/note").at("phase"), "Expanding");
  holder.exec("COMMIT");
  EXPECT_TRUE(shop.reaches("note", "Completed"));
  EXPECT_FALSE(shop.status("lkm/note").contains("blockers"));
  for (Client* client : {&reader, &writer}) {
    client->stop();
    EXPECT_EQ(client->errors(), "");
    EXPECT_GT(client->done(), 20);
    EXPECT_LE(client->longest(), std::chrono::milliseconds(900));
  }
}

}  // namespace
}  // namespace lockkeeper::e2e
