#include <gtest/gtest.h>

#include "dbcore/sql/advisory_lock.h"
#include "dbcore/sql/transaction.h"
#include "tests/sql/servers.h"
#include "tests/support/await.h"
#include "tests/support/fault_proxy.h"

namespace lockkeeper::sql {
namespace {

using base::Context;
using base::ErrorCode;
using support::endpoint_of;
using support::PrivatePostgres;

class TransactionTest : public ::testing::Test {
 protected:
  void SetUp() override { pg_.execute(database_, "CREATE TABLE t (n int)"); }
  [[nodiscard]] Session connect() const {
    return Session::connect(Context(), endpoint_of(pg_, database_), {}).value();
  }
  [[nodiscard]] std::string rows() const { return pg_.sql(database_, "SELECT count(*) FROM t"); }

  PrivatePostgres& pg_ = PrivatePostgres::shared();
  std::string database_ = pg_.create_database();
};

TEST_F(TransactionTest, RollsBackWhenItIsForgotten) {
  Session session = connect();
  {
    auto transaction = Transaction::begin(Context(), session).value();
    ASSERT_TRUE(transaction.execute(Context(), "INSERT INTO public.t VALUES (1)").ok());
  }
  EXPECT_FALSE(session.in_transaction());
  EXPECT_EQ(rows(), "0");
}

TEST_F(TransactionTest, KeepsWhatIsCommitted) {
  Session session = connect();
  auto transaction = Transaction::begin(Context(), session).value();
  ASSERT_TRUE(transaction.execute(Context(), "INSERT INTO public.t VALUES (1)").ok());
  ASSERT_TRUE(transaction.commit(Context()).ok());
  EXPECT_EQ(rows(), "1");
  EXPECT_FALSE(transaction.commit(Context()).ok());
}

TEST_F(TransactionTest, ACommitAfterAFailedStatementIsNoSuccess) {
  Session session = connect();
  auto transaction = Transaction::begin(Context(), session).value();
  ASSERT_TRUE(transaction.execute(Context(), "INSERT INTO public.t VALUES (1)").ok());
  ASSERT_FALSE(transaction.execute(Context(), "SELECT 1/0").ok());
  EXPECT_TRUE(session.in_failed_transaction());
  EXPECT_FALSE(transaction.commit(Context()).ok());
  EXPECT_FALSE(session.in_transaction());
  EXPECT_EQ(rows(), "0");
}

TEST_F(TransactionTest, RollsBackAlthoughTheCallerWasStopped) {
  Session session = connect();
  std::stop_source stop;
  const Context ctx = Context().with_stop(stop.get_token());
  auto transaction = Transaction::begin(ctx, session).value();
  stop.request_stop();
  EXPECT_EQ(transaction.execute(ctx, "SELECT 1").error().code, ErrorCode::cancelled);
  EXPECT_FALSE(session.broken());  // nothing had been sent
  EXPECT_TRUE(transaction.rollback(ctx).ok());
  EXPECT_FALSE(session.in_transaction());
}

TEST_F(TransactionTest, DoesNotNest) {
  Session session = connect();
  auto transaction = Transaction::begin(Context(), session).value();
  EXPECT_EQ(Transaction::begin(Context(), session).error().code, ErrorCode::internal);
}

TEST_F(TransactionTest, SaysThatACommitWhoseAnswerWasLostIsUnknown) {
  pg_.create_role("committer");
  pg_.execute(database_, "GRANT ALL ON t TO committer");
  support::FaultProxy proxy(pg_.port());
  Session session =
      Session::connect(Context(), endpoint_of(pg_, database_, "committer", proxy.port()), {})
          .value();
  auto transaction = Transaction::begin(Context(), session).value();
  ASSERT_TRUE(transaction.execute(Context(), "INSERT INTO public.t VALUES (1)").ok());
  proxy.cut_when_client_sends("COMMIT", support::FaultProxy::After::forwarding);
  const auto committed = transaction.commit(Context());
  ASSERT_FALSE(committed.ok());
  EXPECT_EQ(committed.error().code, ErrorCode::unavailable);
  EXPECT_NE(committed.error().detail.find("unknown"), std::string::npos);
  EXPECT_TRUE(support::await([&] { return rows() == "1"; }));
}

TEST_F(TransactionTest, AnIdleTransactionIsEndedByTheServerAndToldAsUnavailable) {
  SessionSettings settings;
  settings.idle_in_transaction_timeout = std::chrono::milliseconds(50);
  Session session = Session::connect(Context(), endpoint_of(pg_, database_), settings).value();
  auto transaction = Transaction::begin(Context(), session).value();
  ASSERT_TRUE(support::await([&] {
    return pg_.sql(database_, "SELECT count(*) FROM pg_stat_activity WHERE pid = " +
                                  std::to_string(session.backend_pid())) == "0";
  }));
  const auto late = transaction.execute(Context(), "SELECT 1");
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, ErrorCode::unavailable);
  EXPECT_TRUE(session.broken());
}

TEST_F(TransactionTest, ARestartInTheMiddleOfAQueryIsUnavailable) {
  PrivatePostgres own;
  Session session = Session::connect(Context(), endpoint_of(own, "postgres"), {}).value();
  std::jthread restarter([&] {
    (void)support::await([&] {
      return own.sql("postgres",
                     "SELECT count(*) FROM pg_stat_activity WHERE query LIKE "
                     "'SELECT pg_sleep(66)%' AND state = 'active'") == "1";
    });
    own.crash();
  });
  const auto slept = session.execute(Context(), "SELECT pg_sleep(66)");
  restarter.join();
  ASSERT_FALSE(slept.ok());
  EXPECT_EQ(slept.error().code, ErrorCode::unavailable);
  own.start();
  EXPECT_TRUE(Session::connect(Context(), endpoint_of(own, "postgres"), {}).ok());
}

TEST_F(TransactionTest, AnAdvisoryLockIsHeldByOneAndGivenBack) {
  Session one = connect();
  Session two = connect();
  const AdvisoryKey key{"lockkeeper:test"};
  {
    auto held = AdvisoryLock::try_acquire(Context(), one, key, AdvisoryMode::exclusive).value();
    ASSERT_TRUE(held.has_value());
    EXPECT_FALSE(
        AdvisoryLock::try_acquire(Context(), two, key, AdvisoryMode::shared).value().has_value());
  }
  auto held = AdvisoryLock::try_acquire(Context(), two, key, AdvisoryMode::shared).value();
  ASSERT_TRUE(held.has_value());
  EXPECT_TRUE(
      AdvisoryLock::try_acquire(Context(), one, key, AdvisoryMode::shared).value().has_value());
  EXPECT_TRUE(held->release(Context()).ok());
  EXPECT_TRUE(held->release(Context()).ok());
}

}  // namespace
}  // namespace lockkeeper::sql
