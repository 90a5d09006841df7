#include <gtest/gtest.h>

#include "dbcore/sql/session.h"
#include "tests/sql/servers.h"
#include "tests/support/await.h"
#include "tests/support/pg_bouncer.h"

namespace lockkeeper::sql {
namespace {

using base::Context;
using support::PrivatePostgres;

base::Result<Session> connect_through(const support::PgBouncer& bouncer, const PrivatePostgres& pg,
                                      const std::string& database) {
  const auto endpoint = support::endpoint_of(pg, database, "postgres", bouncer.port());
  base::Result<Session> session = base::internal("not tried");
  (void)support::await([&] {
    session = Session::connect(Context(), endpoint, {});
    return session.ok() || session.error().reason != "ServerUnavailable";
  });
  return session;
}

class PoolerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!support::PgBouncer::installed()) GTEST_SKIP() << "pgbouncer is not installed";
  }
  PrivatePostgres& pg_ = PrivatePostgres::shared();
  std::string database_ = pg_.create_database();
};

TEST_F(PoolerTest, TransactionModeIsRefused) {
  const support::PgBouncer bouncer(pg_, database_, "postgres", "transaction", 5);
  const auto session = connect_through(bouncer, pg_, database_);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().reason, "PoolerInBetween") << session.error().text();
  EXPECT_EQ(session.error().code, base::ErrorCode::precondition);
}

TEST_F(PoolerTest, TransactionModeWithOneServerSessionIsRefused) {
  const support::PgBouncer bouncer(pg_, database_, "postgres", "transaction", 1);
  const auto session = connect_through(bouncer, pg_, database_);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().reason, "PoolerInBetween");
}

TEST_F(PoolerTest, SessionModeIsTakenAndCanBeCancelled) {
  const support::PgBouncer bouncer(pg_, database_, "postgres", "session", 5);
  auto session = connect_through(bouncer, pg_, database_);
  ASSERT_TRUE(session.ok()) << session.error().text();
  EXPECT_EQ(session->backend_pid(),
            session->execute(Context(), "SELECT pg_backend_pid()").value()[0].integer(0));
  const auto slept = session->execute(Context().with_timeout(std::chrono::milliseconds(200)),
                                      "SELECT pg_sleep(60)");
  ASSERT_FALSE(slept.ok());
  EXPECT_EQ(slept.error().sqlstate, "57014") << slept.error().text();
}

TEST_F(PoolerTest, SessionModeWithOneServerSessionIsTaken) {
  const support::PgBouncer bouncer(pg_, database_, "postgres", "session", 1);
  auto session = connect_through(bouncer, pg_, database_);
  ASSERT_TRUE(session.ok()) << session.error().text();
  EXPECT_TRUE(session->ask(Context(), "SELECT true").value());
}

}  // namespace
}  // namespace lockkeeper::sql
