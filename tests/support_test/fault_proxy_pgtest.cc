#include <gtest/gtest.h>

#include "dbcore/base/clock.h"
#include "tests/support/await.h"
#include "tests/support/fault_proxy.h"
#include "tests/support/pg_connection.h"
#include "tests/support/private_postgres.h"

namespace lockkeeper::support {
namespace {

using namespace std::chrono_literals;

class FaultProxyTest : public ::testing::Test {
 protected:
  PrivatePostgres& pg_ = PrivatePostgres::shared();
  FaultProxy proxy_{pg_.port()};
  std::string db_ = pg_.create_database();
  std::string uri_ = pg_.uri_through(proxy_.port(), "postgres", db_);
};

TEST_F(FaultProxyTest, PassesWhatComes) {
  PgConnection client(uri_);
  EXPECT_EQ(client.exec("SELECT length(repeat('x', 3000000))"), "3000000");
  EXPECT_EQ(client.exec("SELECT repeat('x', 3000000)").size(), 3000000U);
  EXPECT_EQ(proxy_.accepted(), 1);
}

TEST_F(FaultProxyTest, ACutEndsOpenConnectionsAndServesNewOnes) {
  PgConnection client(uri_);
  proxy_.cut();
  EXPECT_THROW(client.exec("SELECT 1"), PgError);
  EXPECT_EQ(PgConnection(uri_).exec("SELECT 1"), "1");
}

TEST_F(FaultProxyTest, WhileItHangsNothingPassesAndThenItGoesOn) {
  PgConnection client(uri_);
  proxy_.hang();
  client.send("SELECT 1");
  EXPECT_FALSE(await([&] { return client.answered(); }, 200ms));
  proxy_.resume();
  EXPECT_TRUE(await([&] { return client.answered(); }));
}

TEST_F(FaultProxyTest, ADelayCountsInBothDirections) {
  PgConnection client(uri_);
  proxy_.delay(50ms);
  const auto start = base::Clock::real().now();
  client.exec("SELECT 1");
  EXPECT_GE(base::Clock::real().now() - start, 100ms);
}

TEST_F(FaultProxyTest, RefusesNewConnectionsOnly) {
  PgConnection client(uri_);
  proxy_.refuse();
  EXPECT_THROW(PgConnection second(uri_), PgError);
  EXPECT_EQ(client.exec("SELECT 1"), "1");
}

TEST_F(FaultProxyTest, LosesTheAnswerOfWhatTheServerHasDone) {
  PgConnection client(uri_);
  proxy_.cut_when_client_sends("CREATE TABLE done", FaultProxy::After::forwarding);
  EXPECT_THROW(client.exec("CREATE TABLE done (id int)"), PgError);
  EXPECT_TRUE(proxy_.was_cut());
  EXPECT_EQ(pg_.sql(db_, "SELECT to_regclass('done')"), "done");
}

TEST_F(FaultProxyTest, LosesTheRequestBeforeTheServerSeesIt) {
  PgConnection client(uri_);
  proxy_.cut_when_client_sends("CREATE TABLE lost", FaultProxy::After::nothing);
  EXPECT_THROW(client.exec("CREATE TABLE lost (id int)"), PgError);
  EXPECT_EQ(pg_.sql(db_, "SELECT to_regclass('lost')"), "");
}

}  // namespace
}  // namespace lockkeeper::support
