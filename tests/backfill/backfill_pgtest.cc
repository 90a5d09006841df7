#include <gtest/gtest.h>

#include "dbcore/backfill/backfill.h"
#include "tests/backfill/field.h"
#include "tests/support/await.h"

namespace lockkeeper::backfill {
namespace {

using base::Context;
using base::ErrorCode;
using support::Field;
using support::PrivatePostgres;

class BackfillTest : public ::testing::Test {
 protected:
  // t(id, old) with rows 1 .. rows, then expanded.
  void make(int rows, const std::string& more = "") {
    field_.sql("CREATE TABLE t (id bigint PRIMARY KEY, old int NOT NULL" + more + ")");
    field_.sql("INSERT INTO t SELECT g, g % 1000 FROM generate_series(1, " + std::to_string(rows) +
               ") g");
    field_.expand("t");
  }
  Field field_{PrivatePostgres::shared()};
};

TEST_F(BackfillTest, FillsEveryRowAndSaysHowMany) {
  make(20'000);
  Progress last;
  int reports = 0;
  const auto done =
      field_.run(field_.fill("t", {"id"}), Field::brisk(), {}, [&](const Progress& p) {
        last = p;
        ++reports;
      });
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(field_.wrong("t"), "0");
  EXPECT_EQ(done->rows_done, 20'000);
  EXPECT_EQ(done->rows_total, 20'000);
  EXPECT_EQ(last, *done);
  EXPECT_GT(reports, 2);
  EXPECT_EQ(field_.ask("SELECT sum(rows_done), min(status) FROM lockkeeper.backfill"),
            "20000|done");
}

TEST_F(BackfillTest, SeveralShardsFillEachRowOnce) {
  make(50'000);
  field_.sql("ANALYZE t");
  const auto done = field_.run(field_.fill("t", {"id"}), Field::brisk(4));
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(field_.wrong("t"), "0");
  EXPECT_EQ(done->rows_done, 50'000);
  EXPECT_EQ(field_.ask("SELECT count(*) FROM lockkeeper.backfill"), "4");
  EXPECT_EQ(field_.ask("SELECT n_tup_upd <= 50000 FROM pg_stat_all_tables WHERE relname = 't'"),
            "t");
}

TEST_F(BackfillTest, AnEmptyTableIsDoneAtOnce) {
  make(0);
  const auto done = field_.run(field_.fill("t", {"id"}));
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(done->rows_done, 0);
  const auto by_block = field_.run(field_.fill("t", {}));
  ASSERT_TRUE(by_block.ok()) << by_block.error().text();
}

TEST_F(BackfillTest, RunAgainItFindsNothingToDo) {
  make(5'000);
  ASSERT_TRUE(field_.run(field_.fill("t", {"id"})).ok());
  const std::string before = field_.ask("SELECT md5(string_agg(ctid::text, ',')) FROM t");
  const auto again = field_.run(field_.fill("t", {"id"}));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->rows_done, 5'000);
  EXPECT_EQ(field_.ask("SELECT md5(string_agg(ctid::text, ',')) FROM t"), before);
}

TEST_F(BackfillTest, ATableWithoutAKeyIsVisitedByItsBlocks) {
  field_.sql("CREATE TABLE t (old int NOT NULL, pad text)");
  field_.sql("INSERT INTO t SELECT g, repeat('x', g % 300) FROM generate_series(1, 20000) g");
  field_.sql("DELETE FROM t WHERE old BETWEEN 5000 AND 9000");
  field_.expand("t");
  for (const int shards : {1, 3}) {
    const auto done = field_.run(field_.fill("t", {}), Field::brisk(shards));
    ASSERT_TRUE(done.ok()) << done.error().text();
    EXPECT_EQ(field_.wrong("t"), "0");
    field_.sql(
        "ALTER TABLE t DISABLE TRIGGER \"~lk_1\"; UPDATE t SET _lk_w = NULL, n = NULL;"
        "ALTER TABLE t ENABLE ALWAYS TRIGGER \"~lk_1\"");
  }
}

TEST_F(BackfillTest, NamesThatNeedQuotesAreNames) {
  field_.sql(R"(CREATE TABLE "T;""x' --" ("k'e""y\" text, "B" int, old int NOT NULL,
             PRIMARY KEY ("k'e""y\", "B")))");
  field_.sql(R"(INSERT INTO "T;""x' --" SELECT E'v\\''"' || g % 7, g, g % 50
             FROM generate_series(1, 3000) g)");
  field_.expand(R"("T;""x' --")");
  const auto done = field_.run(field_.fill("T;\"x' --", {"k'e\"y\\", "B"}), Field::brisk(2));
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(field_.wrong(R"("T;""x' --")"), "0");
}

struct KeyCase {
  const char* name;
  const char* columns;
  const char* values;  // of generate_series(1, 4000) g
  std::vector<std::string> key;
};

class BackfillKeyTest : public ::testing::TestWithParam<KeyCase> {};

TEST_P(BackfillKeyTest, IsWalkedInItsOwnOrder) {
  Field field(PrivatePostgres::shared());
  const KeyCase& kind = GetParam();
  field.sql("CREATE EXTENSION citext");
  field.sql("CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad')");
  field.sql(std::string("CREATE TABLE t (") + kind.columns + ", old int NOT NULL)");
  std::string names;
  for (const auto& column : kind.key) names += (names.empty() ? "" : ", ") + column;
  field.sql("ALTER TABLE t ADD PRIMARY KEY (" + names + ")");
  field.sql(std::string("INSERT INTO t SELECT ") + kind.values +
            ", g % 100 FROM generate_series(1, 4000) g");
  field.expand("t");
  field.sql("ANALYZE t");
  auto tuning = Field::brisk(2);
  tuning.chunk_time = std::chrono::milliseconds(1);
  const auto done = field.run(field.fill("t", kind.key), tuning);
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(field.wrong("t"), "0");
  EXPECT_EQ(done->rows_done, 4'000);
  // Nothing was left for a second pass: the order of the ranges is that of the index.
  EXPECT_EQ(field.ask("SELECT sum(rows_done) FROM lockkeeper.backfill WHERE shard > 0") != "0",
            true);
  const auto verified = field.verify(field.check("t", kind.key));
  ASSERT_TRUE(verified.ok()) << verified.error().text();
  EXPECT_EQ(verified->rows, 4'000);
}

INSTANTIATE_TEST_SUITE_P(
    Keys, BackfillKeyTest,
    ::testing::Values(
        KeyCase{"uuid", "k uuid", "md5(g::text)::uuid", {"k"}},
        KeyCase{"text_collated", "k text COLLATE \"en-x-icu\"", "chr(65 + g % 58) || g", {"k"}},
        KeyCase{"varchar_and_int", "a varchar(20), b int", "'a' || g % 3, g", {"a", "b"}},
        KeyCase{"three_columns",
                "a date, b numeric(12,3), c bigint",
                "'2026-01-01'::date + g % 4, g % 5 + 0.125, -g",
                {"a", "b", "c"}},
        KeyCase{"float", "k float8", "sqrt(g) - 30", {"k"}},
        KeyCase{"timestamptz", "k timestamptz", "now() + g * interval '1.5 s'", {"k"}},
        KeyCase{
            "enum_and_int", "a mood, b int", "(enum_range(NULL::mood))[1 + g % 3], g", {"a", "b"}},
        KeyCase{"citext", "k citext", "CASE WHEN g % 2 = 0 THEN 'X' ELSE 'y' END || g", {"k"}},
        KeyCase{"citext_and_int",
                "a citext, b int",
                "CASE WHEN g % 2 = 0 THEN 'X' ELSE 'y' END, g",
                {"a", "b"}},
        KeyCase{"bytea", "k bytea", "decode(md5(g::text), 'hex')", {"k"}},
        KeyCase{"array", "k int[]", "ARRAY[g % 10, g]", {"k"}},
        KeyCase{"bpchar", "k char(12)", "'c' || g", {"k"}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(BackfillTest, PartitionsAreVisitedOneByOne) {
  field_.sql(
      "CREATE TABLE t (id int, part text, old int NOT NULL, PRIMARY KEY (id, part))"
      " PARTITION BY LIST (part)");
  field_.sql("CREATE TABLE t_a PARTITION OF t FOR VALUES IN ('a')");
  field_.sql("CREATE TABLE t_b PARTITION OF t FOR VALUES IN ('b') PARTITION BY RANGE (id)");
  field_.sql("CREATE TABLE t_b1 PARTITION OF t_b FOR VALUES FROM (0) TO (2500)");
  field_.sql("CREATE TABLE t_b2 PARTITION OF t_b DEFAULT");
  field_.sql(
      "INSERT INTO t SELECT g, CASE g % 2 WHEN 0 THEN 'a' ELSE 'b' END, g % 100 FROM"
      " generate_series(1, 5000) g");
  field_.expand("t");
  const auto done = field_.run(field_.fill("t", {}), Field::brisk(2));
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(field_.wrong("t"), "0");
  EXPECT_EQ(done->rows_done, 5'000);
  EXPECT_EQ(field_.ask("SELECT count(DISTINCT relid) FROM lockkeeper.backfill"), "3");
}

TEST_F(BackfillTest, InheritedTablesAreVisitedEachForItself) {
  field_.sql("CREATE TABLE t (id int, old int NOT NULL)");
  field_.sql("CREATE TABLE child () INHERITS (t)");
  field_.sql("INSERT INTO t SELECT g, g FROM generate_series(1, 2000) g");
  field_.sql("INSERT INTO child SELECT g, g FROM generate_series(1, 3000) g");
  field_.expand("t");
  field_.sql(
      "CREATE TRIGGER \"~lk_1\" BEFORE INSERT OR UPDATE ON child FOR EACH ROW EXECUTE"
      " FUNCTION route()");
  const auto done = field_.run(field_.fill("t", {}));
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(field_.wrong("t"), "0");
  EXPECT_EQ(done->rows_done, 5'000);
}

TEST_F(BackfillTest, WideAndSkewedRowsAreFilledInSmallerChunks) {
  make(0, ", pad text, PRIMARY_PAD int");
  field_.sql("INSERT INTO t (id, old, pad) SELECT g, 1, NULL FROM generate_series(1, 2000) g");
  field_.sql("ALTER TABLE t ALTER pad SET STORAGE EXTERNAL");
  field_.sql(
      "INSERT INTO t (id, old, pad) SELECT 1000000 + g * 1000, 2, repeat('y', 20000) FROM"
      " generate_series(1, 300) g");
  field_.sql(
      "ALTER TABLE t DISABLE TRIGGER \"~lk_1\"; UPDATE t SET _lk_w = NULL, n = NULL;"
      "ALTER TABLE t ENABLE ALWAYS TRIGGER \"~lk_1\"");
  const auto done = field_.run(field_.fill("t", {"id"}), Field::brisk(2));
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(field_.wrong("t"), "0");
}

TEST_F(BackfillTest, ARowThatRefusesIsNamedWithWhatTheServerSaid) {
  make(3'000);
  field_.sql("ALTER TABLE t ADD CONSTRAINT small CHECK (n <> 4242)");
  field_.sql(
      "ALTER TABLE t DISABLE TRIGGER \"~lk_1\"; UPDATE t SET old = 2121 WHERE id = 1717;"
      "ALTER TABLE t ENABLE ALWAYS TRIGGER \"~lk_1\"");
  const auto stuck = field_.run(field_.fill("t", {"id"}));
  ASSERT_FALSE(stuck.ok());
  EXPECT_EQ(stuck.error().code, ErrorCode::precondition);
  EXPECT_EQ(stuck.error().reason, "RowFails");
  EXPECT_EQ(stuck.error().sqlstate, "23514");
  EXPECT_EQ(stuck.error().detail.find("id=1717: new row for relation \"t\" violates check"), 0U)
      << stuck.error().detail;
  EXPECT_NE(field_.ask("SELECT count(*) FROM t WHERE _lk_w = 0"), "0");
  field_.sql("UPDATE t SET old = 1 WHERE id = 1717");
  const auto done = field_.run(field_.fill("t", {"id"}));
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(field_.wrong("t"), "0");
}

TEST_F(BackfillTest, ARowOfATableWithoutAKeyIsNamedByItsPlace) {
  field_.sql("CREATE TABLE t (old int NOT NULL)");
  field_.sql("INSERT INTO t SELECT g FROM generate_series(1, 500) g");
  field_.expand("t");
  field_.sql("ALTER TABLE t ADD CONSTRAINT small CHECK (n <> 600)");
  const auto stuck = field_.run(field_.fill("t", {}));
  ASSERT_FALSE(stuck.ok());
  EXPECT_EQ(stuck.error().reason, "RowFails");
  EXPECT_EQ(stuck.error().detail.find("ctid=(1,74): "), 0U) << stuck.error().detail;
}

TEST_F(BackfillTest, SqlThatIsWrongBlamesNoRow) {
  make(100);
  auto wrong = field_.fill("t", {"id"});
  wrong.assignments = "nowhere = 0";
  const auto failed = field_.run(wrong);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, ErrorCode::invalid);
  EXPECT_EQ(failed.error().sqlstate, "42703");
}

TEST_F(BackfillTest, TheApplicationsTriggersFindTheirTables) {
  make(100);
  field_.sql("CREATE TABLE audit (id bigint)");
  field_.sql(
      "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit"
      " VALUES (NEW.id); RETURN NEW; END $$");
  field_.sql("CREATE TRIGGER note AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note()");
  const auto done = field_.run(field_.fill("t", {"id"}));
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(field_.ask("SELECT count(*) FROM audit"), "100");
}

TEST_F(BackfillTest, AnAssignmentOfTheUsersRunsWithoutTheRouter) {
  field_.sql("CREATE TABLE t (id int PRIMARY KEY, a int)");
  field_.sql("INSERT INTO t SELECT g FROM generate_series(1, 5000) g");
  auto plain = field_.fill("t", {"id"});
  plain.routed = false;
  plain.pending = "a IS NULL";
  plain.assignments = "a = id * 3";
  const auto done = field_.run(plain, Field::brisk(2));
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(field_.ask("SELECT count(*) FROM t WHERE a IS DISTINCT FROM id * 3"), "0");
}

TEST_F(BackfillTest, AnAssignmentThatNeverEndsItsConditionIsToldSo) {
  field_.sql("CREATE TABLE t (id int PRIMARY KEY, a int)");
  field_.sql("INSERT INTO t SELECT g, 0 FROM generate_series(1, 50) g");
  auto plain = field_.fill("t", {"id"});
  plain.routed = false;
  plain.pending = "a < 1000000";
  plain.assignments = "a = a + 1";
  const auto stuck = field_.run(plain);
  ASSERT_FALSE(stuck.ok());
  EXPECT_EQ(stuck.error().reason, "BackfillNeverEnds");
  EXPECT_EQ(stuck.error().code, ErrorCode::precondition);
}

TEST_F(BackfillTest, PendingIsAskedOfTheRowsNotOfTheCursor) {
  make(100);
  auto session =
      sql::Session::connect(Context(), endpoint_of(field_.server(), field_.database()), {}).value();
  const auto fill = field_.fill("t", {"id"});
  EXPECT_TRUE(pending(Context(), session, fill).value());
  ASSERT_TRUE(field_.run(fill).ok());
  EXPECT_FALSE(pending(Context(), session, fill).value());
  field_.sql("ALTER TABLE t DISABLE TRIGGER \"~lk_1\"; UPDATE t SET _lk_w = NULL WHERE id = 5");
  EXPECT_TRUE(pending(Context(), session, fill).value());
  EXPECT_FALSE(session.in_transaction());
}

}  // namespace
}  // namespace lockkeeper::backfill
