#include <gtest/gtest.h>

#include "tests/support/await.h"
#include "tests/support/pg_connection.h"
#include "tests/support/private_postgres.h"

namespace lockkeeper::support {
namespace {

TEST(PrivatePostgresTest, AFreshDatabaseTakesStatementsAndRoles) {
  auto& pg = PrivatePostgres::shared();
  pg.create_role("support_app");
  const auto db = pg.create_database("support_app");
  PgConnection client(pg.uri("support_app", db));
  client.exec("CREATE TABLE t (id int PRIMARY KEY, name text)");
  client.exec("INSERT INTO t VALUES (1, 'a'), (2, NULL)");
  EXPECT_EQ(pg.sql(db, "SELECT * FROM t ORDER BY id"), "1|a\n2|");
  EXPECT_NE(pg.create_database(), db);
  EXPECT_NE(pg.dump_schema(db).find("CREATE TABLE public.t"), std::string::npos);
  EXPECT_EQ(pg.dump_schema(db).find("--"), std::string::npos);
}

TEST(PrivatePostgresTest, TcpRefusesAWrongPassword) {
  auto& pg = PrivatePostgres::shared();
  EXPECT_THROW(PgConnection(pg.uri("postgres", "postgres", "wrong")), PgError);
}

TEST(PrivatePostgresTest, AnErrorCarriesItsSqlstate) {
  auto& pg = PrivatePostgres::shared();
  PgConnection client(pg.socket_uri("postgres", "postgres"));
  try {
    client.exec("SELECT 1 / 0");
    FAIL() << "no error";
  } catch (const PgError& error) {
    EXPECT_EQ(error.sqlstate(), "22012");
  }
}

TEST(PrivatePostgresTest, RowsSurviveACrashAndARestart) {
  PrivatePostgres pg({.fsync = true});
  pg.execute("postgres", "CREATE TABLE t AS SELECT 1 AS id");
  pg.crash();
  EXPECT_THROW((void)pg.sql("postgres", "SELECT 1"), PgError);
  pg.start();
  EXPECT_EQ(pg.sql("postgres", "SELECT id FROM t"), "1");
  pg.restart(StopMode::immediate);
  EXPECT_EQ(pg.sql("postgres", "SELECT id FROM t"), "1");
}

TEST(PrivatePostgresTest, AReplicaFollows) {
  PrivatePostgres pg;
  const auto replica = pg.make_replica();
  pg.execute("postgres", "CREATE TABLE t AS SELECT 7 AS id");
  ASSERT_TRUE(pg.caught_up(*replica));
  EXPECT_EQ(replica->sql("postgres", "SELECT id, pg_is_in_recovery() FROM t"), "7|t");
}

TEST(PrivatePostgresTest, TlsIsVerifiedAgainstTheTestAuthority) {
  PrivatePostgres pg({.ssl = true});
  const auto verified =
      pg.uri("postgres", "postgres") + "&sslrootcert=" + pg.ca_certificate().string();
  auto full = verified;
  full.replace(full.find("sslmode=require"), 15, "sslmode=verify-full");
  EXPECT_EQ(PgConnection(full).exec("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"),
            "t");
}

}  // namespace
}  // namespace lockkeeper::support
