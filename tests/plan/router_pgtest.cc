// What the router does with writes that come at the wrong moment or hold the wrong thing.
#include <gtest/gtest.h>

#include "tests/plan/plan_lab.h"

namespace lockkeeper::plan {
namespace {

ChangeType to_integer() {
  ChangeType op;
  op.table = "t";
  op.column = "v";
  op.type = "int";
  op.up = "CAST(v AS int)";
  return op;
}

TEST(RouterTest, AValueThatCannotBeComputedStopsTheBackfillAndNoClient) {
  Lab lab(
      "CREATE TABLE t (id int PRIMARY KEY, v text, w int); INSERT INTO t VALUES (1, '1'), (2, "
      "'two')");
  const auto plan = lab.plan({to_integer()});
  ASSERT_TRUE(plan.ok()) << plan.error().text();
  lab.run(*plan, Stage::expand);
  lab.app("UPDATE t SET w = 5 WHERE id = 2");
  lab.app("INSERT INTO t VALUES (3, 'three'), (4, '4')");
  lab.app("UPDATE t SET v = 'one' WHERE id = 1");
  EXPECT_EQ(lab.app("SELECT id FROM t WHERE _lk_w IS NULL ORDER BY id"), "1\n2\n3");
  const auto& fill = plan->steps[1];
  ASSERT_TRUE(fill.backfill.has_value());
  lab.sql("SET lockkeeper.backfill = 'on'");
  EXPECT_THROW(lab.sql("UPDATE public.t SET " + fill.backfill->assignments + " WHERE " +
                       fill.backfill->pending),
               support::PgError);
  lab.sql("RESET lockkeeper.backfill");
  lab.app("UPDATE t SET v = id::text WHERE id < 4");
  lab.run(*plan, Stage::contract);
  EXPECT_EQ(lab.app("SELECT sum(v) FROM t"), "10");
}

TEST(RouterTest, ImagesAreComparedNotValues) {
  Lab lab(
      "CREATE TABLE t (id int PRIMARY KEY, n numeric, j json, p point); INSERT INTO t VALUES (1, "
      "1.0, '{\"a\": 1}', '(1,2)')");
  const auto plan = lab.plan(
      {RenameColumn{"t", "n", "n2"}, RenameColumn{"t", "j", "j2"}, RenameColumn{"t", "p", "p2"}});
  ASSERT_TRUE(plan.ok()) << plan.error().text();
  lab.run(*plan, Stage::verify);
  lab.app("UPDATE t SET n = 1.00");
  EXPECT_EQ(lab.app("SELECT n2 FROM t"), "1.00");
  lab.app("UPDATE t SET j2 = '{\"a\":  1}', p2 = '(3,4)'");
  EXPECT_EQ(lab.app("SELECT j, p FROM t"), "{\"a\":  1}|(3,4)");
}

TEST(RouterTest, ACompositeWithANullInsideWasGiven) {
  Lab lab("CREATE TYPE pair AS (a int, b int); CREATE TABLE t (id int PRIMARY KEY, c pair)");
  const auto plan = lab.plan({RenameColumn{"t", "c", "c2"}});
  ASSERT_TRUE(plan.ok()) << plan.error().text();
  lab.run(*plan, Stage::verify);
  lab.app("INSERT INTO t (id, c2) VALUES (1, ROW(1, NULL))");
  EXPECT_EQ(lab.app("SELECT c FROM t"), "(1,)");
}

// Without a search_path of its own the router must not see what stands first in the client's.
TEST(RouterTest, OperatorsAndTypesOnTheClientsPathDoNotReachIt) {
  Lab lab(
      "CREATE TABLE t (id int PRIMARY KEY, name text, n int); INSERT INTO t VALUES (1, 'a', 1);"
      "CREATE SCHEMA trap;"
      "CREATE FUNCTION trap.spring(text, text) RETURNS boolean LANGUAGE plpgsql AS"
      " $$ BEGIN RAISE 'sprung'; END $$;"
      "CREATE FUNCTION trap.spring(smallint, int) RETURNS boolean LANGUAGE plpgsql AS"
      " $$ BEGIN RAISE 'sprung'; END $$;"
      "CREATE OPERATOR trap.= (leftarg = text, rightarg = text, function = trap.spring);"
      "CREATE OPERATOR trap.= (leftarg = smallint, rightarg = int, function = trap.spring)");
  AddColumn plain;
  plain.table = "t";
  plain.column.name = "kind";
  plain.column.type = "text";
  plain.column.nullable = false;
  plain.up = "'free'";
  ChangeType wider;
  wider.table = "t";
  wider.column = "n";
  wider.type = "bigint";
  wider.to = "wide";
  wider.down = "CAST(wide AS int)";
  const auto plan = lab.plan({RenameColumn{"t", "name", "label"}, plain, wider});
  ASSERT_TRUE(plan.ok()) << plan.error().text();
  lab.run(*plan, Stage::verify);
  ASSERT_EQ(lab.sql("SELECT count(*) FROM pg_catalog.pg_proc WHERE proconfig IS NOT NULL"), "0");
  const std::string path = "SET search_path = trap, pg_catalog, public; ";
  ASSERT_THROW(lab.app(path + "SELECT 'a'::text = 'b'"), support::PgError);
  lab.app(path +
          "CREATE TEMP TABLE boolean (x int); INSERT INTO t (id, name, n) VALUES (2, 'b', 2)");
  lab.app(path + "UPDATE t SET label = 'c', wide = 3 WHERE id OPERATOR(pg_catalog.=) 1");
  EXPECT_EQ(lab.app("SELECT name, label, kind, n, wide FROM t ORDER BY id"),
            "c|c|free|3|3\nb|b|free|2|2");
}

TEST(RouterTest, AnUpThatReadsARenamedColumnFollowsTheNewName) {
  Lab lab("CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'a')");
  AddColumn big;
  big.table = "t";
  big.column.name = "big";
  big.column.type = "text";
  big.up = "upper(name)";
  const auto plan = lab.plan({RenameColumn{"t", "name", "label"}, big});
  ASSERT_TRUE(plan.ok()) << plan.error().text();
  lab.run(*plan, Stage::verify);
  EXPECT_EQ(lab.app("SELECT big FROM t"), "A");
  lab.app("UPDATE t SET label = 'new'");
  EXPECT_EQ(lab.app("SELECT name, big FROM t"), "new|NEW");
  lab.app("UPDATE t SET name = 'old'");
  EXPECT_EQ(lab.app("SELECT label, big FROM t"), "old|OLD");
  lab.app("UPDATE t SET label = 'x', big = 'mine'");
  EXPECT_EQ(lab.app("SELECT name, big FROM t"), "x|mine");
}

TEST(RouterTest, AUsersTriggerBeforeOursIsAWriteLikeAnyOther) {
  Lab lab(
      "CREATE TABLE t (id int PRIMARY KEY, name text); CREATE FUNCTION low() RETURNS trigger "
      "LANGUAGE plpgsql AS 'BEGIN NEW.name := lower(NEW.name); RETURN NEW; END'; CREATE TRIGGER a "
      "BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION low(); INSERT INTO t VALUES (1, "
      "'A')");
  const auto plan = lab.plan({RenameColumn{"t", "name", "label"}});
  ASSERT_TRUE(plan.ok()) << plan.error().text();
  lab.run(*plan, Stage::verify);
  lab.app("UPDATE t SET name = 'BIG'");
  EXPECT_EQ(lab.app("SELECT name, label FROM t"), "big|big");
}

TEST(RouterTest, WritersNeedNoRightOnOurSchema) {
  auto& pg = support::PrivatePostgres::shared();
  pg.create_role("plain_writer");
  Lab lab(
      "CREATE TABLE t (id int PRIMARY KEY, name text); GRANT SELECT, INSERT, UPDATE ON t TO "
      "plain_writer");
  const auto plan = lab.plan({RenameColumn{"t", "name", "label"}});
  ASSERT_TRUE(plan.ok()) << plan.error().text();
  lab.run(*plan, Stage::verify);
  pg.execute(lab.database(), "INSERT INTO t (id, label) VALUES (1, 'x')", "plain_writer");
  EXPECT_EQ(lab.app("SELECT name FROM t"), "x");
}

}  // namespace
}  // namespace lockkeeper::plan
