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
using support::endpoint_of;
using support::FaultProxy;
using support::PrivatePostgres;

base::Error failure_of(const Endpoint& endpoint) {
  const auto session =
      Session::connect(Context().with_timeout(std::chrono::seconds(3)), endpoint, {});
  return session.ok() ? base::internal("connected") : session.error();
}

class ConnectTest : public ::testing::Test {
 protected:
  PrivatePostgres& pg_ = PrivatePostgres::shared();
};

TEST_F(ConnectTest, AWrongPasswordIsAuthenticationFailedAndIsNotShown) {
  pg_.create_role("wrongpw");
  Endpoint endpoint = endpoint_of(pg_, "postgres", "wrongpw", pg_.port());
  endpoint.password = "s3cret-and-wrong";
  const auto error = failure_of(endpoint);
  EXPECT_EQ(error.reason, "AuthenticationFailed");
  EXPECT_EQ(error.sqlstate, "28P01");
  EXPECT_EQ(error.code, ErrorCode::precondition);
  EXPECT_EQ(error.text().find("s3cret"), std::string::npos);
  EXPECT_NE(error.message.find("password authentication failed"), std::string::npos)
      << error.message;
  EXPECT_EQ(error.message.find("LOCATION"), std::string::npos) << error.message;
}

TEST_F(ConnectTest, AMissingPasswordIsAuthenticationFailed) {
  pg_.create_role("nopw");
  Endpoint endpoint = endpoint_of(pg_, "postgres", "nopw", pg_.port());
  endpoint.password = "";
  EXPECT_EQ(failure_of(endpoint).reason, "AuthenticationFailed");
}

TEST_F(ConnectTest, AnUnknownDatabaseIsDatabaseNotFound) {
  const auto error = failure_of(endpoint_of(pg_, "nowhere"));
  EXPECT_EQ(error.reason, "DatabaseNotFound");
  EXPECT_EQ(error.sqlstate, "3D000");
  EXPECT_EQ(error.code, ErrorCode::precondition);
}

TEST_F(ConnectTest, AServerWithoutTlsIsTlsFailedWhenTlsIsRequired) {
  pg_.create_role("plain");
  Endpoint endpoint = endpoint_of(pg_, "postgres", "plain", pg_.port());
  endpoint.parameters["sslmode"] = "require";
  const auto error = failure_of(endpoint);
  EXPECT_EQ(error.reason, "TLSFailed") << error.text();
  EXPECT_EQ(error.code, ErrorCode::precondition);
}

TEST_F(ConnectTest, APortWhereNobodyListensIsServerUnavailable) {
  Endpoint endpoint = endpoint_of(pg_, "postgres", "postgres", 1);
  const auto error = failure_of(endpoint);
  EXPECT_EQ(error.reason, "ServerUnavailable");
  EXPECT_EQ(error.code, ErrorCode::unavailable);
}

TEST_F(ConnectTest, AForbiddenOrUnknownRoleIsRoleForbidden) {
  pg_.create_role("joiner");
  pg_.create_role("owner_of_all");
  Endpoint endpoint = endpoint_of(pg_, "postgres", "joiner", pg_.port());
  endpoint.role = "owner_of_all";
  EXPECT_EQ(failure_of(endpoint).reason, "RoleForbidden");
  EXPECT_EQ(failure_of(endpoint).code, ErrorCode::precondition);
  endpoint.role = "no_such_role";
  EXPECT_EQ(failure_of(endpoint).reason, "RoleForbidden");
}

TEST_F(ConnectTest, ARoleIsTakenOnAndKeptByReset) {
  pg_.create_role("member");
  pg_.create_role("owning");
  pg_.execute("postgres", "GRANT owning TO member");
  Endpoint endpoint = endpoint_of(pg_, "postgres", "member", pg_.port());
  endpoint.role = "owning";
  Session session = Session::connect(Context(), endpoint, {}).value();
  const auto who = [&] {
    return session.execute(Context(), "SELECT current_user").value()[0].text(0);
  };
  EXPECT_EQ(who(), "owning");
  ASSERT_TRUE(session.execute(Context(), "RESET ROLE").ok());
  ASSERT_TRUE(session.reset(Context(), {}).ok());
  EXPECT_EQ(who(), "owning");
}

TEST_F(ConnectTest, AServerThatNeverAnswersEndsAtTheDeadline) {
  FaultProxy proxy(pg_.port());
  proxy.hang();
  const auto start = std::chrono::steady_clock::now();
  const auto session = Session::connect(Context().with_timeout(std::chrono::milliseconds(300)),
                                        endpoint_of(pg_, "postgres", "postgres", proxy.port()), {});
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().code, ErrorCode::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST_F(ConnectTest, AStopEndsConnecting) {
  FaultProxy proxy(pg_.port());
  proxy.hang();
  std::stop_source stop;
  const std::jthread stopper([&] {
    (void)support::await([&] { return proxy.accepted() > 0; });
    stop.request_stop();
  });
  const auto session = Session::connect(Context().with_stop(stop.get_token()),
                                        endpoint_of(pg_, "postgres", "postgres", proxy.port()), {});
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().code, ErrorCode::cancelled);
}

TEST(ConnectTlsTest, ChecksTheServersCertificate) {
  PrivatePostgres pg({.ssl = true});
  pg.create_role("secure");
  Endpoint endpoint = endpoint_of(pg, "postgres", "secure", pg.port());
  endpoint.parameters["sslmode"] = "verify-full";
  endpoint.parameters["sslrootcert"] = pg.ca_certificate().string();
  Session session = Session::connect(Context(), endpoint, {}).value();
  EXPECT_TRUE(
      session.ask(Context(), "SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()")
          .value());
  // A cancel reaches the server of an encrypted session as well.
  const auto slept = session.execute(Context().with_timeout(std::chrono::milliseconds(100)),
                                     "SELECT pg_sleep(60)");
  EXPECT_EQ(slept.error().sqlstate, "57014");

  endpoint.parameters["sslrootcert"] = "/nonexistent/ca.crt";
  EXPECT_EQ(failure_of(endpoint).reason, "TLSFailed") << failure_of(endpoint).text();
  endpoint.parameters["sslrootcert"] = "/etc/ssl/certs/ca-certificates.crt";
  EXPECT_EQ(failure_of(endpoint).reason, "TLSFailed") << failure_of(endpoint).text();
}

TEST(ConnectTlsTest, AServerThatIsStartingOrFullIsUnavailable) {
  PrivatePostgres pg({.settings = {"max_connections = 5", "superuser_reserved_connections = 3"}});
  pg.create_role("crowd");
  const Endpoint endpoint = endpoint_of(pg, "postgres", "crowd", pg.port());
  Session one = Session::connect(Context(), endpoint, {}).value();
  Session two = Session::connect(Context(), endpoint, {}).value();
  const auto error = failure_of(endpoint);
  EXPECT_EQ(error.reason, "TooManyConnections") << error.text();
  EXPECT_EQ(error.code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace lockkeeper::sql
