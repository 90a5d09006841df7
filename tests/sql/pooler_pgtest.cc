#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "dbcore/sql/session.h"
#include "tests/sql/servers.h"
#include "tests/support/await.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"

namespace lockkeeper::sql {
namespace {

using base::Context;
using support::PrivatePostgres;

constexpr const char* program = "/usr/sbin/pgbouncer";

// A PgBouncer of the test's own before the shared cluster; TCP, trust to the client.
class PgBouncer {
 public:
  PgBouncer(const PrivatePostgres& pg, const std::string& database, const std::string& mode,
            int pool_size)
      : port_(support::free_port()) {
    const auto folder = support::scratch_dir("pgbouncer");
    std::ofstream(folder / "users.txt") << "\"postgres\" \"\"\n";
    std::ofstream(folder / "pgbouncer.ini")
        << "[databases]\n"
        << database << " = host=" << pg.socket_dir().string() << " port=" << pg.port() << "\n"
        << "[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port=" << port_
        << "\nunix_socket_dir=\nauth_type=trust\nauth_file=" << (folder / "users.txt").string()
        << "\npool_mode=" << mode << "\ndefault_pool_size=" << pool_size << "\n";
    support::ProcessOptions options;
    options.user = "postgres";
    process_.emplace(std::vector<std::string>{program, (folder / "pgbouncer.ini").string()},
                     options);
    endpoint_ = support::endpoint_of(pg, database, "postgres", port_);
  }
  [[nodiscard]] base::Result<Session> connect() const {
    base::Result<Session> session = base::internal("not tried");
    (void)support::await([&] {
      session = Session::connect(Context(), endpoint_, {});
      return session.ok() || session.error().reason != "ServerUnavailable";
    });
    return session;
  }

 private:
  int port_;
  std::optional<support::Process> process_;
  Endpoint endpoint_;
};

class PoolerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(program)) GTEST_SKIP() << "pgbouncer is not installed";
  }
  PrivatePostgres& pg_ = PrivatePostgres::shared();
  std::string database_ = pg_.create_database();
};

TEST_F(PoolerTest, TransactionModeIsRefused) {
  const PgBouncer bouncer(pg_, database_, "transaction", 5);
  const auto session = bouncer.connect();
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().reason, "PoolerInBetween") << session.error().text();
  EXPECT_EQ(session.error().code, base::ErrorCode::precondition);
}

TEST_F(PoolerTest, TransactionModeWithOneServerSessionIsRefused) {
  const PgBouncer bouncer(pg_, database_, "transaction", 1);
  const auto session = bouncer.connect();
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().reason, "PoolerInBetween");
}

TEST_F(PoolerTest, SessionModeIsTakenAndCanBeCancelled) {
  const PgBouncer bouncer(pg_, database_, "session", 5);
  auto session = bouncer.connect();
  ASSERT_TRUE(session.ok()) << session.error().text();
  EXPECT_EQ(session->backend_pid(),
            session->execute(Context(), "SELECT pg_backend_pid()").value()[0].integer(0));
  const auto slept = session->execute(Context().with_timeout(std::chrono::milliseconds(200)),
                                      "SELECT pg_sleep(60)");
  ASSERT_FALSE(slept.ok());
  EXPECT_EQ(slept.error().sqlstate, "57014") << slept.error().text();
}

TEST_F(PoolerTest, SessionModeWithOneServerSessionIsTaken) {
  const PgBouncer bouncer(pg_, database_, "session", 1);
  auto session = bouncer.connect();
  ASSERT_TRUE(session.ok()) << session.error().text();
  EXPECT_TRUE(session->ask(Context(), "SELECT true").value());
}

}  // namespace
}  // namespace lockkeeper::sql
