// Types without equality, domains, generated columns, partitions, odd sessions of the application.
#include "tests/engine/disturbed.h"
#include "tests/support/pg_connection.h"

namespace lockkeeper::engine {
namespace {

using base::Context;
using execute::Playground;
using execute::Record;
using execute::State;

plan::RenameColumn rename(const std::string& from, const std::string& to) {
  return {"t", from, to};
}

class OddTableTest : public ::testing::Test {
 protected:
  base::Result<Record> ready(const std::vector<plan::Operation>& operations) {
    TRY(const auto record, begin_planned(ground_, operations));
    return engine_.expand(Context(), record, tuning_, progress_);
  }
  base::Result<Record> contract(const Record& record) {
    return engine_.contract(Context(), record, tuning_, progress_);
  }
  base::Result<plan::Plan> plan(const std::vector<plan::Operation>& operations) {
    const execute::Identity identity{"public", "shop/users"};
    TRY_OK(engine_.find(Context(), identity));
    return engine_.plan(Context(), identity, operations, {});
  }
  void nothing_of_ours_is_left() {
    const auto dump = ground_.pg.dump_schema(ground_.db, {"--exclude-schema=lockkeeper"});
    EXPECT_EQ(dump.find("_lk_"), std::string::npos) << dump;
    EXPECT_EQ(dump.find("~lk"), std::string::npos) << dump;
  }

  Playground ground_;
  Engine engine_{ground_.pool};
  Tuning tuning_;
  execute::Progress progress_;
};

TEST_F(OddTableTest, TypesWithoutAnEqualityAreRenamed) {
  ground_.run(
      "CREATE TYPE pair AS (a int, j json); CREATE TABLE t (id int PRIMARY KEY, j json, x xml, p "
      "point, a json[], c pair, b jsonb NOT NULL); INSERT INTO t SELECT i, json_build_object('k', "
      "i), '<a/>', point(i, i), ARRAY['{\"a\": 1}'::json], ROW(i, '{\"b\": 2}')::pair, '{}' FROM "
      "generate_series(1, 300) i; INSERT INTO t (id, b) VALUES (301, '{}')");
  const auto record = ready({rename("j", "j2"), rename("x", "x2"), rename("p", "p2"),
                             rename("a", "a2"), rename("c", "c2"), rename("b", "b2")});
  LK_ASSERT_OK(record);
  ground_.run(
      "UPDATE t SET j = '{\"k\":  1}', x = '<b/>', p = '(7,7)', a = NULL, c = NULL WHERE id = 1");
  ground_.run("UPDATE t SET j2 = '[]', x2 = '<c/>', p2 = NULL, b2 = '[1]' WHERE id = 2");
  EXPECT_EQ(ground_.ask("SELECT j2, x2, p2, a2, c2 FROM t WHERE id = 1"),
            "{\"k\":  1}|<b/>|(7,7)||");
  EXPECT_EQ(ground_.ask("SELECT j, x, p, b FROM t WHERE id = 2"), "[]|<c/>||[1]");
  LK_ASSERT_OK(contract(*record));
  EXPECT_EQ(ground_.ask("SELECT count(j2), count(x2), count(p2), count(b2) FROM t"),
            "300|300|299|301");
  nothing_of_ours_is_left();
}

TEST_F(OddTableTest, DomainsAreRenamedAndRetyped) {
  ground_.run(
      "CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%'); CREATE DOMAIN label AS varchar(20);"
      " CREATE TABLE t (id int PRIMARY KEY, e email NOT NULL, l label DEFAULT 'none');"
      " INSERT INTO t SELECT i, i || '@x', 'l' || i FROM generate_series(1, 300) i");
  plan::ChangeType widen;
  widen.table = "t";
  widen.column = "l";
  widen.type = "text";
  widen.up = "CAST(l AS text)";
  const auto operations = std::vector<plan::Operation>{rename("e", "mail"), widen};
  const auto made = plan(operations);
  if (!made.ok()) {
    // A second column of a domain with CHECK rewrites the table.
    EXPECT_EQ(made.error().reason, "InvalidPlan") << made.error().text();
    EXPECT_FALSE(made.error().hint.empty());
    return;
  }
  const auto record = ready(operations);
  LK_ASSERT_OK(record);
  ground_.run(
      "INSERT INTO t (id, e) VALUES (1000, 'old@x'); INSERT INTO t (id, mail) VALUES "
      "(1001, 'new@x')");
  LK_ASSERT_OK(contract(*record));
  EXPECT_EQ(ground_.ask("SELECT mail, l FROM t WHERE id >= 1000 ORDER BY id"),
            "old@x|none\nnew@x|none");
  nothing_of_ours_is_left();
}

TEST_F(OddTableTest, AGeneratedColumnFollowsTheRenamedOneItReads) {
  ground_.run(
      "CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL, upper_name text GENERATED ALWAYS AS "
      "(upper(name)) STORED); CREATE INDEX t_upper ON t (upper_name);"
      " INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 300) i");
  const auto record = ready({rename("name", "label")});
  LK_ASSERT_OK(record);
  ground_.run(
      "UPDATE t SET label = 'by new' WHERE id = 1; UPDATE t SET name = 'by old' WHERE id = 2");
  ground_.run("INSERT INTO t (id, label) VALUES (1000, 'fresh')");
  EXPECT_EQ(ground_.ask("SELECT upper_name FROM t WHERE id IN (1, 2, 1000) ORDER BY id"),
            "BY NEW\nBY OLD\nFRESH");
  LK_ASSERT_OK(contract(*record));
  ground_.run("UPDATE t SET label = 'after' WHERE id = 3");
  EXPECT_EQ(ground_.ask("SELECT upper_name FROM t WHERE id = 3"), "AFTER");
  nothing_of_ours_is_left();
}

TEST_F(OddTableTest, PartitionsByRangeKeepRowsThatMoveBetweenThem) {
  ground_.run(
      "CREATE TABLE t (id int, at date NOT NULL, name text NOT NULL, n int, PRIMARY KEY (id, at))"
      " PARTITION BY RANGE (at);"
      " CREATE TABLE t_2020 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');"
      " CREATE TABLE t_2021 PARTITION OF t FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');"
      " CREATE TABLE t_rest PARTITION OF t DEFAULT;"
      " CREATE INDEX t_name ON t (name);"
      " INSERT INTO t SELECT i, date '2020-01-01' + i, 'n' || i, i FROM generate_series(1, 900) i");
  auto operations = main_operations();
  operations.erase(operations.begin() + 2);  // the change of type
  std::get<plan::RenameColumn>(operations[0]) = rename("name", "label");
  const auto record = ready(operations);
  LK_ASSERT_OK(record);
  ground_.run("UPDATE t SET at = '2021-06-01', name = 'moved old' WHERE id = 5");
  ground_.run("UPDATE t SET at = '2025-06-01', label = 'moved new' WHERE id = 6");
  ground_.run(
      "INSERT INTO t (id, at, name) VALUES (2000, '2020-05-05', 'old');"
      " INSERT INTO t (id, at, label, plan) VALUES (2001, '2030-05-05', 'new', 'paid')");
  EXPECT_EQ(
      ground_.ask("SELECT name, label, plan FROM t WHERE id IN (5, 6, 2000, 2001) ORDER BY id"),
      "moved old|moved old|free\nmoved new|moved new|free\nold|old|free\nnew|new|paid");
  LK_ASSERT_OK(contract(*record));
  EXPECT_EQ(ground_.ask("SELECT count(*), count(DISTINCT tableoid) FROM t"), "902|3");
  nothing_of_ours_is_left();
}

TEST_F(OddTableTest, SessionsOfTheApplicationMayBeAsOddAsTheyLike) {
  ground_.run(
      "CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL, ref int NOT NULL);"
      " INSERT INTO t SELECT i, 'n' || i, i FROM generate_series(1, 300) i;"
      // A schema that shadows what the router uses.
      " CREATE SCHEMA odd; CREATE FUNCTION odd.lower(text) RETURNS text LANGUAGE sql AS 'SELECT "
      "''wrong''';"
      " CREATE FUNCTION odd.no(text, text) RETURNS bool LANGUAGE sql AS 'SELECT false';"
      " CREATE OPERATOR odd.= (LEFTARG = text, RIGHTARG = text, FUNCTION = odd.no);"
      " CREATE OPERATOR odd.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = odd.no);"
      " CREATE OPERATOR odd.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = odd.no);"
      " CREATE FUNCTION odd.record_image_ne(record, record) RETURNS bool LANGUAGE plpgsql AS "
      "'BEGIN RETURN "
      "false; END';"
      " CREATE FUNCTION odd.current_setting(text, bool) RETURNS text LANGUAGE sql AS 'SELECT "
      "''on''';"
      " GRANT USAGE ON SCHEMA odd TO PUBLIC");
  auto operations = main_operations();
  std::get<plan::AddColumn>(operations[1]).up = "lower(name) || '!'";
  const auto record = ready(operations);
  LK_ASSERT_OK(record);
  support::PgConnection client(ground_.pg.uri("lk_owner", ground_.db));
  client.exec(
      "SET search_path = odd, pg_catalog, public; SET row_security = off; "
      "SET standard_conforming_strings = off; SET transform_null_equals = on; "
      "SET check_function_bodies = off; SET TimeZone = 'Asia/Seoul'; SET bytea_output = "
      "escape; SET DateStyle = 'German'; SET extra_float_digits = -15");
  client.exec("UPDATE public.t SET name = 'Odd' WHERE id = 1");
  client.exec("UPDATE public.t SET display_name = 'Other' WHERE id = 2");
  client.exec("INSERT INTO public.t (id, name, ref) VALUES (1000, 'Fresh', 5)");
  EXPECT_EQ(
      ground_.ask("SELECT name, display_name, plan FROM t WHERE id IN (1, 2, 1000) ORDER BY id"),
      "Odd|Odd|odd!\nOther|Other|other!\nFresh|Fresh|fresh!");
  // The router is ENABLE ALWAYS: a replica's apply does not pass it by.
  support::PgConnection apply(ground_.pg.socket_uri("postgres", ground_.db));
  apply.exec(
      "SET session_replication_role = replica; UPDATE public.t SET name = 'Applied' WHERE id = 3");
  EXPECT_EQ(ground_.ask("SELECT display_name, plan FROM t WHERE id = 3"), "Applied|applied!");
  LK_ASSERT_OK(contract(*record));
  nothing_of_ours_is_left();
}

TEST_F(OddTableTest, RowSecurityHidesNoRowFromUsAndBindsItsUsersAsBefore) {
  ground_.pg.execute(ground_.db,
                     "DROP ROLE IF EXISTS lk_reader; CREATE ROLE lk_reader LOGIN "
                     "PASSWORD 'lk_reader'");
  ground_.run(
      "CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL, ref int NOT NULL);"
      " INSERT INTO t SELECT i, 'n' || i, i FROM generate_series(1, 300) i;"
      " ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
      " CREATE POLICY own ON t USING (id % 2 = 0); GRANT ALL ON t TO lk_reader");
  const auto record = ready(main_operations());
  LK_ASSERT_OK(record);
  support::PgConnection client(ground_.pg.uri("lk_reader", ground_.db));
  client.exec("UPDATE t SET name = 'seen'");
  EXPECT_EQ(ground_.ask("SELECT count(*) FROM t WHERE display_name = 'seen'"), "150");
  LK_ASSERT_OK(contract(*record));
  EXPECT_EQ(client.exec("SELECT count(*) FROM t"), "150");
  ground_.pg.execute(ground_.db, "DROP OWNED BY lk_reader; DROP ROLE lk_reader");
}

TEST_F(OddTableTest, CollationsThatCallDifferentTextsEqualLoseNoWrite) {
  ground_.run(
      "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
      " CREATE TABLE t (id int PRIMARY KEY, name text COLLATE ci NOT NULL);"
      " CREATE UNIQUE INDEX t_name ON t (name);"
      " INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 300) i");
  const auto record = ready({rename("name", "label")});
  LK_ASSERT_OK(record);
  ground_.run("UPDATE t SET name = 'N1' WHERE id = 1; UPDATE t SET label = 'N2' WHERE id = 2");
  EXPECT_EQ(ground_.ask("SELECT label FROM t WHERE id = 1"), "N1");
  EXPECT_EQ(ground_.ask("SELECT name FROM t WHERE id = 2"), "N2");
  EXPECT_THROW(ground_.run("INSERT INTO t (id, label) VALUES (1000, 'N3')"), support::PgError);
  LK_ASSERT_OK(contract(*record));
  EXPECT_THROW(ground_.run("INSERT INTO t (id, label) VALUES (1000, 'N3')"), support::PgError);
  nothing_of_ours_is_left();
}

TEST_F(OddTableTest, ChildrenByInheritanceAreRoutedToo) {
  ground_.run(
      "CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL, ref int NOT NULL);"
      " CREATE TABLE child (extra text, PRIMARY KEY (id)) INHERITS (t);"
      " INSERT INTO t SELECT i, 'n' || i, i FROM generate_series(1, 300) i;"
      " INSERT INTO child SELECT i, 'c' || i, i FROM generate_series(301, 600) i");
  const auto record = ready({rename("name", "label")});
  LK_ASSERT_OK(record);
  ground_.run(
      "UPDATE t SET name = 'by old' WHERE id = 400; UPDATE child SET label = 'by new' WHERE "
      "id = 401");
  EXPECT_EQ(ground_.ask("SELECT name, label FROM t WHERE id IN (400, 401) ORDER BY id"),
            "by old|by old\nby new|by new");
  LK_ASSERT_OK(contract(*record));
  EXPECT_EQ(ground_.ask("SELECT count(label) FROM t"), "600");
  nothing_of_ours_is_left();
}

}  // namespace
}  // namespace lockkeeper::engine
