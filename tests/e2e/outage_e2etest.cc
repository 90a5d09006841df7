// Servers that go away in the middle of the work: it goes on by itself, and the application sees
// nothing but the outage.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/e2e/client.h"
#include "tests/e2e/shop.h"
#include "tests/support/await.h"
#include "tests/support/fault_proxy.h"
#include "tests/support/pg_connection.h"
#include "tests/support/scratch.h"

namespace lockkeeper::e2e {
namespace {

using std::chrono::seconds;
using support::await;
using support::PgConnection;
using support::StopMode;
using ::testing::HasSubstr;

const Json shop_job = Json::parse(
    R"([{"renameColumn": {"table": "users", "from": "name", "to": "display_name"}},
        {"addColumn": {"table": "users", "up": "'free'",
         "column": {"name": "plan", "type": "text", "nullable": false}}}])");
const Json slowly = {{"backfill", {{"maxRowsPerSecond", 5000}}}};

bool rows_are_done(const Shop& shop, int rows) {
  return await(
      [&] { return shop.status("lkm/job").value("/backfill/rowsDone"_json_pointer, 0) > rows; },
      seconds(90));
}

bool waits_for_a_lock(const Shop& shop) {
  return await([&] { return shop.status("lkm/job").contains("blockers"); }, seconds(60));
}

void expect_done_once(const Shop& shop) {
  EXPECT_EQ(shop.sql("SELECT count(*) FROM lockkeeper.step WHERE status <> 'done'"), "0");
  EXPECT_EQ(shop.sql("SELECT count(*) FROM shop.users WHERE plan IS DISTINCT FROM 'free' OR "
                     "display_name IS NULL"),
            "0");
  EXPECT_EQ(shop.left_behind(), "");
}

TEST(OutageStory, APostgresThatIsRestartedInEachPhaseOnlyDelays) {
  support::PrivatePostgres server({.fsync = true});
  Shop shop({.rows = 20'000, .postgres = &server});
  ASSERT_TRUE(shop.says("lkdb/shop", "Ready", "LimitedVisibility"));
  Client old_version(shop.uri(), "UPDATE shop.users SET amount = amount + 1 WHERE id = 5");
  {
    PgConnection holder(shop.uri());
    holder.exec("BEGIN; SELECT count(*) FROM shop.users");
    shop.migrate("job", shop_job, slowly);
    ASSERT_TRUE(waits_for_a_lock(shop)) << "in expand";
    server.restart(StopMode::fast);
  }
  ASSERT_TRUE(rows_are_done(shop, 1'000));
  server.restart(StopMode::immediate);
  ASSERT_TRUE(rows_are_done(shop, 8'000));
  server.restart(StopMode::fast);
  ASSERT_TRUE(shop.reaches("job", "ReadyToSwitch"));
  server.restart(StopMode::immediate);
  {
    PgConnection holder(shop.uri());
    holder.exec("BEGIN; SELECT count(*) FROM shop.users");
    shop.patch("job", {{"spec", {{"until", "Contract"}}}});
    ASSERT_TRUE(waits_for_a_lock(shop)) << "in contract";
    server.restart(StopMode::immediate);
  }
  ASSERT_TRUE(shop.reaches("job", "Completed"));
  const int done = old_version.done();
  EXPECT_TRUE(await([&] { return old_version.done() > done; }));
  old_version.stop();
  EXPECT_EQ(old_version.errors(), "");
  expect_done_once(shop);
}

TEST(OutageStory, AConnectionThatIsCutOrHangsInEachPhaseOnlyDelays) {
  support::FaultProxy proxy(support::PrivatePostgres::shared().port());
  Shop shop({.rows = 20'000, .secret_port = proxy.port()});
  ASSERT_TRUE(shop.says("lkdb/shop", "Ready", "LimitedVisibility"));
  PgConnection holder(shop.uri());
  holder.exec("BEGIN; SELECT count(*) FROM shop.users");
  shop.migrate("job", shop_job, slowly);
  ASSERT_TRUE(waits_for_a_lock(shop)) << "in expand";
  proxy.cut();
  holder.exec("COMMIT");
  ASSERT_TRUE(rows_are_done(shop, 1'000));
  proxy.cut();
  ASSERT_TRUE(rows_are_done(shop, 4'000));
  proxy.hang();
  EXPECT_TRUE(await(
      [&] {
        return shop.lockkeeper().log().find("job failed") != std::string::npos ||
               shop.lockkeeper().log().find("trying again") != std::string::npos;
      },
      seconds(60)));
  proxy.resume();
  ASSERT_TRUE(shop.reaches("job", "ReadyToSwitch"));
  proxy.hang();
  EXPECT_TRUE(shop.says("lkdb/shop", "Ready", "ServerUnavailable"));
  proxy.resume();
  proxy.cut();
  // The answer to the contract's COMMIT is lost: what it did is looked up, not done again.
  proxy.cut_when_client_sends("COMMIT", support::FaultProxy::After::forwarding);
  shop.patch("job", {{"spec", {{"until", "Contract"}}}});
  ASSERT_TRUE(shop.reaches("job", "Completed"));
  EXPECT_TRUE(proxy.was_cut());
  expect_done_once(shop);
}

// Cut and hanging watches are those of a network between us and the API server.
TEST(OutageStory, AWatchThatIsCutOrHangsMissesNothing) {
  auto& plane = support::ControlPlane::shared();
  plane.install();
  support::FaultProxy proxy(plane.port());
  auto config = support::read_file(plane.operator_kubeconfig());
  const auto place = config.find(std::to_string(plane.port()));
  ASSERT_NE(place, std::string::npos);
  config.replace(place, std::to_string(plane.port()).size(), std::to_string(proxy.port()));
  const auto file = support::scratch_dir("kubeconfig") / "through-the-proxy";
  support::write_file(file, config);
  Shop shop({.kubeconfig = file});
  ASSERT_TRUE(shop.says("lkdb/shop", "Ready", "LimitedVisibility"));
  proxy.cut();
  shop.migrate("job", shop_job);
  ASSERT_TRUE(shop.reaches("job", "ReadyToSwitch"));
  proxy.refuse();
  proxy.cut();
  shop.patch("job", {{"spec", {{"until", "Contract"}}}});
  proxy.resume();
  EXPECT_TRUE(shop.reaches("job", "Completed"));
  EXPECT_TRUE(shop.lockkeeper().running());
}

TEST(OutageStory, AnAwayApiServerOnlyDelays) {
  Shop shop({.rows = 20'000});
  shop.migrate("job", shop_job, slowly);
  ASSERT_TRUE(rows_are_done(shop, 1'000));
  shop.plane().restart("apiserver");
  ASSERT_TRUE(shop.reaches("job", "ReadyToSwitch", seconds(120)));
  shop.plane().halt("apiserver");
  shop.plane().resume("apiserver");
  shop.patch("job", {{"spec", {{"until", "Contract"}}}});
  EXPECT_TRUE(shop.reaches("job", "Completed", seconds(120)));
  EXPECT_TRUE(shop.lockkeeper().running());
  expect_done_once(shop);
}

}  // namespace
}  // namespace lockkeeper::e2e
