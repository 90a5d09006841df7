#include "dbcore/sql/pool.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace lockkeeper::sql {
namespace {

using std::chrono::milliseconds;

TEST(RetryWaitsTest, AreTheTableOfTheGuide) {
  EXPECT_EQ(retry_waits({}),
            (std::vector<milliseconds>{milliseconds(500), milliseconds(1000), milliseconds(2000),
                                       milliseconds(4000), milliseconds(8000)}));
}

TEST(RetryWaitsTest, ZeroAttemptsWaitNever) {
  EXPECT_TRUE(retry_waits({0, milliseconds(500)}).empty());
}

TEST(RecommendedPoolTest, TakesFourFifthsOfAnInstancesShare) {
  EXPECT_EQ(recommended_pool_max(200, 4), 40);
  EXPECT_EQ(recommended_pool_max(100, 3), 26);
  EXPECT_EQ(recommended_pool_max(100, 0), 80);
  EXPECT_EQ(recommended_pool_max(1, 4), 1);
}

TEST(PoolTest, TriesAnAbsentServerByTheTableAndThenSaysWhy) {
  support::FakeClock clock;
  clock.auto_advance();
  Endpoint endpoint;
  endpoint.parameters = {{"host", "/nonexistent"}, {"dbname", "d"}, {"user", "u"}};
  endpoint.password = "hunter22";
  Pool pool(endpoint, {});
  const auto lease = pool.acquire(base::Context({}, clock, {}));
  ASSERT_FALSE(lease.ok());
  EXPECT_EQ(lease.error().code, base::ErrorCode::unavailable);
  EXPECT_EQ(lease.error().reason, "ServerUnavailable");
  EXPECT_EQ(lease.error().text().find("hunter22"), std::string::npos);
  const auto waits = retry_waits({});
  const auto slept = clock.slept();
  ASSERT_EQ(slept.size(), waits.size());
  for (std::size_t i = 0; i < waits.size(); ++i) {
    EXPECT_GE(slept[i], waits[i] * 8 / 10);
    EXPECT_LE(slept[i], waits[i] * 12 / 10);
  }
  EXPECT_EQ(pool.statistics().open, 0);
  EXPECT_EQ(pool.statistics().connect_failures, 1);
}

TEST(PoolTest, AClosedPoolGivesNothing) {
  Pool pool({}, {});
  pool.close();
  EXPECT_EQ(pool.acquire(base::Context()).error().reason, "PoolClosed");
}

TEST(EndpointTest, ShowsNoPassword) {
  Endpoint endpoint;
  endpoint.parameters = {{"host", "db"}, {"port", "6432"}, {"dbname", "shop"}, {"user", "app"}};
  endpoint.password = "hunter22";
  EXPECT_EQ(endpoint.display(), "app@db:6432/shop");
}

TEST(SessionTest, RefusesParametersThatWouldDecideBehindOurBack) {
  for (const char* keyword : {"password", "service", "passfile", "options"}) {
    Endpoint endpoint;
    endpoint.parameters = {{keyword, "x"}};
    const auto session = Session::connect(base::Context(), endpoint, {});
    ASSERT_FALSE(session.ok());
    EXPECT_EQ(session.error().reason, "InvalidConnection");
  }
}

}  // namespace
}  // namespace lockkeeper::sql
