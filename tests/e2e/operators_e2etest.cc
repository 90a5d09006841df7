// Several operators at once, by election or by mistake: never two at work, no step twice.
#include <gmock/gmock.h>

#include "tests/e2e/ledger_watch.h"
#include "tests/e2e/shop.h"
#include "tests/support/await.h"

namespace lockkeeper::e2e {
namespace {

using std::chrono::seconds;
using support::await;

const Json add_plan = Json::parse(
    R"([{"addColumn": {"table": "users", "up": "'free'",
         "column": {"name": "plan", "type": "text", "nullable": false}}}])");
const Json slowly = {{"until", "Contract"}, {"backfill", {{"maxRowsPerSecond", 4000}}}};

bool backfills(const Shop& shop) {
  return await(
      [&] { return shop.status("lkm/plan").value("/backfill/rowsDone"_json_pointer, 0) > 1'000; },
      seconds(60));
}

void expect_done_once(const Shop& shop, LedgerWatch& watch) {
  EXPECT_EQ(shop.sql("SELECT count(*) FROM lockkeeper.step WHERE status <> 'done'"), "0");
  EXPECT_EQ(shop.sql("SELECT count(*) FROM shop.users WHERE plan IS DISTINCT FROM 'free'"), "0");
  EXPECT_EQ(watch.irregularities(), "");
  EXPECT_EQ(shop.left_behind(), "");
}

// Paused in the middle of a chunk, for longer than its lease, and woken when another has begun.
TEST(OperatorsStory, ALeaderPausedBeyondItsLeaseIsReplacedAndLeavesWhenItWakes) {
  Shop shop({.rows = 20'000, .leader_elect = true});
  ASSERT_TRUE(shop.says("lkdb/shop", "Ready", "LimitedVisibility"));
  LedgerWatch watch(shop);
  const auto second = shop.another_operator();
  shop.migrate("plan", add_plan, slowly);
  ASSERT_TRUE(backfills(shop));
  const auto epoch = [&] { return shop.sql("SELECT max(epoch) FROM lockkeeper.migration"); };
  const auto before = epoch();
  shop.lockkeeper().signal(SIGSTOP);
  ASSERT_TRUE(await([&] { return epoch() != before; }, seconds(90)));
  shop.lockkeeper().signal(SIGCONT);
  EXPECT_TRUE(await([&] { return !shop.lockkeeper().running(); }, seconds(60)));
  EXPECT_TRUE(shop.reaches("plan", "Completed", seconds(120)));
  EXPECT_TRUE(second->running());
  expect_done_once(shop, watch);
}

// What elects is a convenience: what keeps two apart is in the database.
TEST(OperatorsStory, TwoThatBothBelieveToLeadDoNoStepTwice) {
  Shop shop({.rows = 10'000});
  ASSERT_TRUE(shop.says("lkdb/shop", "Ready", "LimitedVisibility"));
  LedgerWatch watch(shop);
  const auto second = shop.another_operator();
  shop.migrate("plan", add_plan, slowly);
  EXPECT_TRUE(shop.reaches("plan", "Completed", seconds(180)));
  expect_done_once(shop, watch);
}

}  // namespace
}  // namespace lockkeeper::e2e
