#include <gtest/gtest.h>

#include <stop_token>
#include <thread>

#include "dbcore/sql/session.h"
#include "tests/sql/servers.h"
#include "tests/support/await.h"
#include "tests/support/fault_proxy.h"

namespace lockkeeper::sql {
namespace {

using base::Context;
using base::ErrorCode;
using std::chrono::milliseconds;
using support::await;
using support::endpoint_of;
using support::FaultProxy;
using support::PrivatePostgres;

class SessionTest : public ::testing::Test {
 protected:
  PrivatePostgres& pg_ = PrivatePostgres::shared();
  std::string database_ = pg_.create_database();

  [[nodiscard]] Session connect(const SessionSettings& settings = {}) const {
    return Session::connect(Context(), endpoint_of(pg_, database_), settings).value();
  }
  [[nodiscard]] std::string setting(Session& session, const std::string& name) const {
    Statement ask("SELECT pg_catalog.current_setting($1)");
    ask.bind(std::string_view(name));
    return session.execute(Context(), ask).value()[0].text(0);
  }
  [[nodiscard]] bool runs(const std::string& text) const {
    return pg_.sql(database_,
                   "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND "
                   "query LIKE '" +
                       text + "%'") != "0";
  }
};

TEST_F(SessionTest, HasItsSettingsFromTheFirstStatementOn) {
  SessionSettings settings;
  settings.application_name = "lockkeeper/m1/s1";
  settings.lock_timeout = milliseconds(123);
  settings.statement_timeout = milliseconds(4'567);
  Session session = connect(settings);
  EXPECT_EQ(setting(session, "application_name"), "lockkeeper/m1/s1");
  EXPECT_EQ(setting(session, "lock_timeout"), "123ms");
  EXPECT_EQ(setting(session, "statement_timeout"), "4567ms");
  EXPECT_EQ(setting(session, "idle_in_transaction_session_timeout"), "1min");
  EXPECT_EQ(setting(session, "row_security"), "off");
  EXPECT_EQ(setting(session, "search_path"), "");
  EXPECT_EQ(setting(session, "client_connection_check_interval"), "1s");
  EXPECT_EQ(session.backend_pid(),
            session.execute(Context(), "SELECT pg_backend_pid()").value()[0].integer(0));
  EXPECT_GE(session.server_version_num(), 150000);
}

TEST_F(SessionTest, HasServerSideKeepalivesOverTcp) {
  pg_.create_role("keepalive");
  Session session =
      Session::connect(Context(), endpoint_of(pg_, database_, "keepalive", pg_.port()), {}).value();
  EXPECT_EQ(setting(session, "tcp_keepalives_idle"), "10");
  EXPECT_EQ(setting(session, "tcp_keepalives_interval"), "5");
  EXPECT_EQ(setting(session, "tcp_keepalives_count"), "3");
}

TEST_F(SessionTest, GivesRowsWithTypesAndNulls) {
  Session session = connect();
  Statement ask("SELECT $1::int8, $2::text, $3::bool, ARRAY['a,b', NULL, '\"q\\'], 1.5, NULL::int");
  ask.bind(-7).bind("it's; -- fine").bind(true);
  const Rows rows = session.execute(Context(), ask).value();
  ASSERT_EQ(rows.size(), 1);
  EXPECT_EQ(rows[0].integer(0), -7);
  EXPECT_EQ(rows[0].text(1), "it's; -- fine");
  EXPECT_TRUE(rows[0].boolean(2));
  EXPECT_EQ(rows[0].array(3), (std::vector<std::string>{"a,b", "", "\"q\\"}));
  EXPECT_DOUBLE_EQ(rows[0].real(4), 1.5);
  EXPECT_TRUE(rows[0].is_null(5));
  EXPECT_EQ(rows[0].optional_text(5), std::nullopt);
  EXPECT_EQ(rows.type_oid(0), 20U);
}

TEST_F(SessionTest, CountsChangedRowsOnly) {
  Session session = connect();
  EXPECT_EQ(session.execute(Context(), "CREATE TABLE public.t AS SELECT generate_series(1, 9) AS n")
                .value()
                .affected(),
            0);
  EXPECT_EQ(session.execute(Context(), "UPDATE public.t SET n = n WHERE n > 4").value().affected(),
            5);
  EXPECT_EQ(session.execute(Context(), "SELECT * FROM public.t").value().affected(), 0);
}

TEST_F(SessionTest, ErrorsCarryStateDetailAndNextMove) {
  Session session = connect();
  ASSERT_TRUE(session.execute(Context(), "CREATE TABLE public.u (n int PRIMARY KEY)").ok());
  ASSERT_TRUE(session.execute(Context(), "INSERT INTO public.u VALUES (1)").ok());
  const auto twice = session.execute(Context(), "INSERT INTO public.u VALUES (1)");
  ASSERT_FALSE(twice.ok());
  EXPECT_EQ(twice.error().sqlstate, "23505");
  EXPECT_EQ(twice.error().code, ErrorCode::precondition);
  EXPECT_EQ(twice.error().detail, "Key (n)=(1) already exists.");
  EXPECT_FALSE(session.broken());
  EXPECT_TRUE(session.ask(Context(), "SELECT true").value());
}

TEST_F(SessionTest, RefusesCopyWithTheClientAndClosesTheSession) {
  Session session = connect();
  const auto copy = session.execute(Context(), "COPY pg_catalog.pg_class TO STDOUT");
  ASSERT_FALSE(copy.ok());
  EXPECT_EQ(copy.error().code, ErrorCode::invalid);
  EXPECT_TRUE(session.broken());
}

TEST_F(SessionTest, RefusesAZeroByteThatWouldCutTheStatement) {
  Session session = connect();
  Statement ask("SELECT $1::text");
  ask.bind(std::string_view("a\0b", 3));
  EXPECT_EQ(session.execute(Context(), ask).error().code, ErrorCode::invalid);
  EXPECT_FALSE(session.broken());
}

TEST_F(SessionTest, APipelineRunsAllInOrder) {
  Session session = connect();
  std::vector<Statement> statements{"BEGIN", "CREATE TABLE public.p (n int)",
                                    "INSERT INTO public.p VALUES (1), (2)",
                                    "SELECT count(*) FROM public.p", "COMMIT"};
  const auto rows = session.pipeline(Context(), statements).value();
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[3][0].integer(0), 2);
  EXPECT_EQ(pg_.sql(database_, "SELECT count(*) FROM p"), "2");
}

TEST_F(SessionTest, APipelineStopsAtItsFirstError) {
  Session session = connect();
  std::vector<Statement> statements{"CREATE TABLE public.q (n int)", "SELECT 1/0",
                                    "CREATE TABLE public.r (n int)"};
  const auto rows = session.pipeline(Context(), statements);
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.error().sqlstate, "22012");
  EXPECT_FALSE(session.broken());
  EXPECT_EQ(pg_.sql(database_, "SELECT to_regclass('q') IS NULL AND to_regclass('r') IS NULL"),
            "t");
}

TEST_F(SessionTest, APipelineThatIsLargerThanAllBuffersDoesNotLockUp) {
  Session session = connect();
  const std::string big(200'000, 'x');
  std::vector<Statement> statements;
  for (int i = 0; i < 60; ++i) {
    Statement echo("SELECT $1::text");
    statements.push_back(echo.bind(std::string_view(big)));
  }
  const auto rows = session.pipeline(Context().with_timeout(std::chrono::seconds(20)), statements);
  ASSERT_TRUE(rows.ok()) << rows.error().text();
  EXPECT_EQ(rows->back()[0].view(0).size(), big.size());
}

TEST_F(SessionTest, AStopCancelsTheStatementAndBreaksTheSession) {
  Session session = connect();
  std::stop_source stop;
  std::jthread stopper([&] {
    (void)await([&] { return runs("SELECT pg_sleep(61)"); });
    stop.request_stop();
  });
  const auto start = std::chrono::steady_clock::now();
  const auto slept = session.execute(Context().with_stop(stop.get_token()), "SELECT pg_sleep(61)");
  ASSERT_FALSE(slept.ok());
  EXPECT_EQ(slept.error().code, ErrorCode::cancelled);
  EXPECT_TRUE(session.broken());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_TRUE(await([&] { return !runs("SELECT pg_sleep(61)"); }));
}

TEST_F(SessionTest, ADeadlineCancelsTheStatementToo) {
  Session session = connect();
  const auto slept =
      session.execute(Context().with_timeout(milliseconds(200)), "SELECT pg_sleep(62)");
  ASSERT_FALSE(slept.ok());
  EXPECT_EQ(slept.error().code, ErrorCode::unavailable);
  EXPECT_EQ(slept.error().reason, "DeadlineExceeded");
  EXPECT_TRUE(session.broken());
  EXPECT_TRUE(await([&] { return !runs("SELECT pg_sleep(62)"); }));
}

TEST_F(SessionTest, AStatementTimeoutIsNotTakenForOurCancel) {
  SessionSettings settings;
  settings.statement_timeout = milliseconds(50);
  Session session = connect(settings);
  const auto slept = session.execute(Context(), "SELECT pg_sleep(63)");
  ASSERT_FALSE(slept.ok());
  EXPECT_EQ(slept.error().code, ErrorCode::unavailable);
  EXPECT_EQ(slept.error().reason, "StatementTimeout");
  EXPECT_FALSE(session.broken());
}

TEST_F(SessionTest, ATerminatedSessionIsUnavailableAndBroken) {
  Session session = connect();
  std::jthread killer([&] {
    (void)await([&] { return runs("SELECT pg_sleep(64)"); });
    (void)pg_.sql(database_,
                  "SELECT pg_terminate_backend(" + std::to_string(session.backend_pid()) + ")");
  });
  const auto slept = session.execute(Context(), "SELECT pg_sleep(64)");
  ASSERT_FALSE(slept.ok());
  EXPECT_EQ(slept.error().code, ErrorCode::unavailable);
  EXPECT_EQ(slept.error().sqlstate, "57P01");
  EXPECT_TRUE(session.broken());
  EXPECT_EQ(session.execute(Context(), "SELECT 1").error().code, ErrorCode::unavailable);
}

TEST_F(SessionTest, APeerThatHangsIsGivenUpAfterAStop) {
  pg_.create_role("hanging");
  FaultProxy proxy(pg_.port());
  Session session =
      Session::connect(Context(), endpoint_of(pg_, database_, "hanging", proxy.port()), {}).value();
  std::stop_source stop;
  std::jthread stopper([&] {
    (void)support::await([&] {
      return pg_.sql("postgres",
                     "SELECT count(*) FROM pg_stat_activity WHERE usename = 'hanging' AND "
                     "query LIKE '%pg_sleep%' AND state = 'active'") == "1";
    });
    proxy.hang();
    stop.request_stop();
  });
  const auto start = std::chrono::steady_clock::now();
  const auto asked = session.execute(Context().with_stop(stop.get_token()), "SELECT pg_sleep(60)");
  ASSERT_FALSE(asked.ok());
  EXPECT_EQ(asked.error().code, ErrorCode::cancelled);
  EXPECT_TRUE(session.broken());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(15));
}

TEST_F(SessionTest, ALostConnectionIsUnavailable) {
  pg_.create_role("cutoff");
  FaultProxy proxy(pg_.port());
  Session session =
      Session::connect(Context(), endpoint_of(pg_, database_, "cutoff", proxy.port()), {}).value();
  proxy.cut_when_client_sends("SELECT 65", FaultProxy::After::forwarding);
  const auto asked = session.execute(Context(), "SELECT 65");
  ASSERT_FALSE(asked.ok());
  EXPECT_EQ(asked.error().code, ErrorCode::unavailable);
  EXPECT_EQ(asked.error().reason, "ServerUnavailable");
  EXPECT_TRUE(session.broken());
}

TEST_F(SessionTest, ResetForgetsWhatTheLastUserLeft) {
  Session session = connect();
  ASSERT_TRUE(session.execute(Context(), "SET lockkeeper.backfill = 'on'").ok());
  ASSERT_TRUE(session.execute(Context(), "SET statement_timeout = 0").ok());
  ASSERT_TRUE(session.execute(Context(), "SELECT pg_advisory_lock(65001)").ok());
  ASSERT_TRUE(session.reset(Context(), {}).ok());
  EXPECT_EQ(setting(session, "statement_timeout"), "30s");
  EXPECT_FALSE(
      session.ask(Context(), "SELECT current_setting('lockkeeper.backfill', true) = 'on'").value());
  EXPECT_EQ(pg_.sql(database_, "SELECT pg_try_advisory_lock(65001)"), "t");
}

TEST_F(SessionTest, ResetRefusesASessionInsideATransaction) {
  Session session = connect();
  ASSERT_TRUE(session.execute(Context(), "BEGIN").ok());
  EXPECT_EQ(session.reset(Context(), {}).error().code, ErrorCode::internal);
}

TEST_F(SessionTest, CountsSlowStatements) {
  SessionSettings settings;
  settings.slow_query = milliseconds(20);
  Session session = connect(settings);
  ASSERT_TRUE(session.execute(Context(), "SELECT 1").ok());
  EXPECT_EQ(session.slow_queries(), 0);
  ASSERT_TRUE(session.execute(Context(), "SELECT pg_sleep(0.05)").ok());
  EXPECT_EQ(session.slow_queries(), 1);
}

}  // namespace
}  // namespace lockkeeper::sql
