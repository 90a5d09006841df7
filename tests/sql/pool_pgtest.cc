#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "dbcore/sql/pool.h"
#include "tests/sql/servers.h"
#include "tests/support/await.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fault_proxy.h"

namespace lockkeeper::sql {
namespace {

using base::Context;
using base::ErrorCode;
using std::chrono::milliseconds;
using support::endpoint_of;
using support::PrivatePostgres;

class PoolTest : public ::testing::Test {
 protected:
  PrivatePostgres& pg_ = PrivatePostgres::shared();
  std::string database_ = pg_.create_database();
  [[nodiscard]] Endpoint endpoint() const { return endpoint_of(pg_, database_); }
};

TEST_F(PoolTest, GivesTheSameSessionAgain) {
  Pool pool(endpoint(), {});
  const int first = pool.acquire(Context()).value()->backend_pid();
  EXPECT_EQ(pool.acquire(Context()).value()->backend_pid(), first);
  EXPECT_EQ(pool.statistics().connects, 1);
  EXPECT_EQ(pool.statistics().acquired, 2);
  EXPECT_EQ(pool.statistics().idle, 1);
}

TEST_F(PoolTest, LeavesNothingOfTheLastUserBehind) {
  Pool pool(endpoint(), {});
  {
    auto lease = pool.acquire(Context()).value();
    ASSERT_TRUE(lease->execute(Context(), "SET search_path = public").ok());
    ASSERT_TRUE(lease->execute(Context(), "SET lock_timeout = 0").ok());
  }
  auto lease = pool.acquire(Context()).value();
  EXPECT_TRUE(lease
                  ->ask(Context(),
                        "SELECT current_setting('search_path') = '' AND "
                        "current_setting('lock_timeout') = '500ms'")
                  .value());
}

TEST_F(PoolTest, ClosesASessionThatIsLeftInsideATransaction) {
  Pool pool(endpoint(), {});
  {
    auto lease = pool.acquire(Context()).value();
    ASSERT_TRUE(lease->execute(Context(), "BEGIN").ok());
  }
  EXPECT_EQ(pool.statistics().open, 0);
}

TEST_F(PoolTest, IsExhaustedAfterItsTimeoutAndSaysSo) {
  PoolOptions options;
  options.max = 1;
  options.acquire_timeout = milliseconds(30);
  Pool pool(endpoint(), options);
  auto lease = pool.acquire(Context()).value();
  const auto second = pool.acquire(Context());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().reason, "PoolExhausted");
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
  EXPECT_EQ(pool.statistics().acquire_timeouts, 1);
  EXPECT_EQ(pool.statistics().waiting, 0);
}

TEST_F(PoolTest, HandsALeaseToOneWhoWaits) {
  PoolOptions options;
  options.max = 1;
  options.acquire_timeout = std::chrono::minutes(1);  // a lost wake-up shows as a timeout below
  Pool pool(endpoint(), options);
  std::optional<Lease> lease = pool.acquire(Context()).value();
  std::atomic<bool> got{false};
  const std::jthread waiter([&] { got = pool.acquire(Context()).ok(); });
  ASSERT_TRUE(support::await([&] { return pool.statistics().waiting == 1; }));
  lease.reset();
  EXPECT_TRUE(support::await([&] { return got.load(); }));
}

TEST_F(PoolTest, AStopEndsTheWaitForALease) {
  PoolOptions options;
  options.max = 1;
  Pool pool(endpoint(), options);
  auto lease = pool.acquire(Context()).value();
  std::stop_source stop;
  const std::jthread stopper([&] {
    (void)support::await([&] { return pool.statistics().waiting == 1; });
    stop.request_stop();
  });
  EXPECT_EQ(pool.acquire(Context().with_stop(stop.get_token())).error().code, ErrorCode::cancelled);
}

TEST_F(PoolTest, SurvivesTheEndOfItsIdleSessions) {
  Pool pool(endpoint(), {});
  {
    auto one = pool.acquire(Context()).value();
    auto two = pool.acquire(Context()).value();
  }
  ASSERT_EQ(pool.statistics().idle, 2);
  pg_.execute(database_,
              "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
              "current_database() AND application_name = 'lockkeeper'");
  auto lease = pool.acquire(Context()).value();
  EXPECT_TRUE(lease->ask(Context(), "SELECT true").value());
  EXPECT_EQ(pool.statistics().open, 1);
}

TEST_F(PoolTest, NeverConnectsMoreThanFourAtOnce) {
  pg_.create_role("stormy");
  support::FaultProxy proxy(pg_.port());
  PoolOptions options;
  options.acquire_timeout = std::chrono::minutes(1);
  Pool pool(endpoint_of(pg_, database_, "stormy", proxy.port()), options);
  proxy.hang();
  std::atomic<int> got{0};
  std::vector<std::jthread> crowd;
  for (int i = 0; i < 10; ++i) {
    crowd.emplace_back([&] {
      const auto lease = pool.acquire(Context());
      if (lease.ok()) ++got;
    });
  }
  ASSERT_TRUE(support::await([&] {
    const auto now = pool.statistics();
    return now.connecting == 4 && now.waiting == 6;
  }));
  EXPECT_LE(proxy.accepted(), 4);
  proxy.resume();
  crowd.clear();
  EXPECT_EQ(got, 10);
}

TEST_F(PoolTest, SweepClosesOldIdleSessionsDownToTheMinimum) {
  support::FakeClock clock;
  const Context ctx({}, clock, {});
  PoolOptions options;
  options.min = 1;
  Pool pool(endpoint(), options);
  {
    auto one = pool.acquire(ctx).value();
    auto two = pool.acquire(ctx).value();
    auto three = pool.acquire(ctx).value();
  }
  pool.sweep(ctx);
  EXPECT_EQ(pool.statistics().open, 3);
  clock.advance(options.idle_timeout);
  pool.sweep(ctx);
  EXPECT_EQ(pool.statistics().open, 1);
}

TEST_F(PoolTest, LetsOldLeasesFinishWhenTheEndpointChanges) {
  const std::string other = pg_.create_database();
  Pool pool(endpoint(), {});
  auto old_lease = pool.acquire(Context()).value();
  pool.reconfigure(endpoint_of(pg_, other), {});
  EXPECT_TRUE(old_lease->ask(Context(), "SELECT true").value());
  auto new_lease = pool.acquire(Context()).value();
  EXPECT_EQ(new_lease->execute(Context(), "SELECT current_database()").value()[0].text(0), other);
  { const Lease ended = std::move(old_lease); }
  EXPECT_EQ(pool.statistics().open, 1);
}

TEST_F(PoolTest, AWrongPasswordIsNotRetried) {
  support::FakeClock clock;
  pg_.create_role("mistyped");
  Endpoint endpoint = endpoint_of(pg_, database_, "mistyped", pg_.port());
  endpoint.password = "wrong-password";
  Pool pool(endpoint, {});
  const auto lease = pool.acquire(Context({}, clock, {}));
  EXPECT_EQ(lease.error().reason, "AuthenticationFailed");
  EXPECT_TRUE(clock.slept().empty());
}

TEST_F(PoolTest, CountsSlowQueriesOfAllItsSessions) {
  PoolOptions options;
  options.settings.slow_query = milliseconds(10);
  Pool pool(endpoint(), options);
  for (int i = 0; i < 2; ++i) {
    auto lease = pool.acquire(Context()).value();
    ASSERT_TRUE(lease->execute(Context(), "SELECT pg_sleep(0.02)").ok());
  }
  EXPECT_GE(pool.statistics().slow_queries, 2);
}

TEST_F(PoolTest, OutlivedByItsLeases) {
  std::optional<Lease> lease;
  {
    Pool pool(endpoint(), {});
    lease = pool.acquire(Context()).value();
  }
  EXPECT_TRUE((*lease)->ask(Context(), "SELECT true").value());
}

}  // namespace
}  // namespace lockkeeper::sql
