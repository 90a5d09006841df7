// Rows that stand in the way: named by their key, no obstacle to clients, and the job goes on when
// they are mended, or is taken back.
#include "tests/engine/disturbed.h"

namespace lockkeeper::engine {
namespace {

using base::Context;
using base::ErrorCode;
using execute::Playground;
using execute::Record;
using execute::State;

plan::ChangeType retype(const std::string& column, const std::string& type, const std::string& up) {
  plan::ChangeType op;
  op.table = "t";
  op.column = column;
  op.type = type;
  op.up = up;
  return op;
}

plan::AddColumn added(const std::string& name, const std::string& type, const std::string& up) {
  plan::AddColumn op;
  op.table = "t";
  op.column.name = name;
  op.column.type = type;
  op.up = up;
  return op;
}

plan::CreateIndex unique_index(const std::string& column) {
  plan::CreateIndex op;
  op.table = "t";
  op.name = "t_once";
  op.unique = true;
  op.columns = {{column, "", "", "", "", ""}};
  return op;
}

struct BadRow {
  std::string name;
  std::vector<plan::Operation> operations;
  std::string spoil;   // makes row 77 bad
  std::string reason;  // of what blocks
  std::string detail;  // in the text of it
  std::string client;  // writes that the old version may do at any time, as bad as that row
  std::string mend;
};

std::ostream& operator<<(std::ostream& out, const BadRow& row) {
  return out << row.name;
}

class BadRowTest : public ::testing::TestWithParam<BadRow> {
 protected:
  void SetUp() override {
    ground_.run(
        "CREATE TABLE owner (n int PRIMARY KEY);"
        " INSERT INTO owner SELECT generate_series(1, 2500);"
        " CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL, n int);"
        " INSERT INTO t SELECT i, i::text, i FROM generate_series(1, 2500) i");
    ground_.run(GetParam().spoil);
    before_ = ground_.pg.dump_schema(ground_.db, {"--schema=public"});
    const auto record = begin_planned(ground_, GetParam().operations);
    LK_ASSERT_OK(record);
    record_ = *record;
    const auto blocked = engine_.expand(Context(), record_, tuning_, progress_);
    ASSERT_FALSE(blocked.ok());
    EXPECT_EQ(blocked.error().code, ErrorCode::precondition) << blocked.error().text();
    EXPECT_EQ(blocked.error().reason, GetParam().reason) << blocked.error().text();
    EXPECT_NE(blocked.error().text().find(GetParam().detail), std::string::npos)
        << blocked.error().text();
    EXPECT_FALSE(blocked.error().hint.empty());
    // Throws when a client is refused.
    ground_.run(GetParam().client);
    ground_.run("UPDATE t SET n = n WHERE id = 77");
  }

  Playground ground_;
  Engine engine_{ground_.pool};
  Record record_;
  Tuning tuning_;
  execute::Progress progress_;
  std::string before_;
};

TEST_P(BadRowTest, BlocksUntilItIsMended) {
  const auto still = engine_.expand(Context(), record_, tuning_, progress_);
  ASSERT_FALSE(still.ok());
  EXPECT_EQ(still.error().reason, GetParam().reason) << still.error().text();
  ground_.run(GetParam().mend);
  const auto ready = engine_.expand(Context(), record_, tuning_, progress_);
  LK_ASSERT_OK(ready);
  const auto completed = engine_.contract(Context(), *ready, tuning_, progress_);
  LK_ASSERT_OK(completed);
  EXPECT_EQ(completed->state, State::completed);
}

TEST_P(BadRowTest, IsLeftAsItWasWhenTakenBack) {
  const auto rows =
      ground_.ask("SELECT md5(string_agg(ROW(id, v, n)::text, ',' ORDER BY id)) FROM t");
  const auto rolled = engine_.roll_back(Context(), record_, tuning_, progress_);
  LK_ASSERT_OK(rolled);
  EXPECT_EQ(ground_.pg.dump_schema(ground_.db, {"--schema=public"}), before_);
  EXPECT_EQ(ground_.ask("SELECT md5(string_agg(ROW(id, v, n)::text, ',' ORDER BY id)) FROM t"),
            rows);
}

std::vector<BadRow> bad_rows() {
  auto not_null = added("w", "text", "nullif(v, 'none')");
  not_null.column.nullable = false;
  auto checked = added("w", "int", "n - 10");
  checked.column.check = plan::CheckClause{"w_small", "w < 5000"};
  auto referring = added("w", "int", "n");
  plan::ReferencesClause owner;
  owner.table = "owner";
  referring.column.references = owner;
  return {
      {"CastOfANotNullColumn",
       {retype("v", "int", "CAST(v AS int)")},
       "UPDATE t SET v = 'seven' WHERE id = 77",
       "RowFails",
       "id=77: invalid input syntax for type integer: \"seven\"",
       "INSERT INTO t VALUES (3000, 'three', 3); UPDATE t SET v = 'eight' WHERE id = 8",
       "UPDATE t SET v = id::text WHERE id IN (8, 77, 3000)"},
      {"DivisionByZero",
       {added("w", "int", "100 / n")},
       "UPDATE t SET n = 0 WHERE id = 77",
       "RowFails",
       "id=77: division by zero",
       "INSERT INTO t VALUES (3000, '3', 0); UPDATE t SET n = 0 WHERE id = 8",
       "UPDATE t SET n = 1 WHERE n = 0"},
      {"NullInANotNullColumn",
       {not_null},
       "UPDATE t SET v = 'none' WHERE id = 77",
       "RowFails",
       "id=77: `up` gives NULL for column \"w\"",
       "INSERT INTO t VALUES (3000, 'none', 3); UPDATE t SET v = 'none' WHERE id = 8",
       "UPDATE t SET v = 'some' WHERE v = 'none'"},
      {"DuplicateKeysOfANewIndex",
       {added("w", "text", "lower(v)"), unique_index("w")},
       "UPDATE t SET v = 'A' WHERE id = 77; UPDATE t SET v = 'a' WHERE id = 78",
       "DuplicateKeys",
       "id=77; id=78",
       "INSERT INTO t VALUES (3000, 'a', 3); UPDATE t SET v = 'a' WHERE id = 8",
       "UPDATE t SET v = id::text WHERE lower(v) = 'a'"},
      {"AFalseCheck",
       {checked},
       "UPDATE t SET n = 6000 WHERE id = 77",
       "RowFails",
       "id=77",
       "INSERT INTO t VALUES (3000, '3', 6000); UPDATE t SET v = 'x' WHERE id = 77",
       "UPDATE t SET n = 5 WHERE n = 6000"},
      {"AKeyThatRefersToNothing",
       {referring},
       "UPDATE t SET n = 6000 WHERE id = 77",
       "RowFails",
       "id=77",
       "INSERT INTO t VALUES (3000, '3', 6000); UPDATE t SET v = 'x' WHERE id = 77",
       "UPDATE t SET n = 5 WHERE n = 6000"},
  };
}

INSTANTIATE_TEST_SUITE_P(Rows, BadRowTest, ::testing::ValuesIn(bad_rows()),
                         [](const auto& row) { return row.param.name; });

// The old version goes on writing what it likes into a column that may hold NULL.
TEST(LateWriteTest, WhatCannotBeConvertedIsNamedBeforeContractAndRefusedToNobody) {
  Playground ground;
  Engine engine(ground.pool);
  execute::Progress progress;
  ground.run(
      "CREATE TABLE t (id int PRIMARY KEY, v text);"
      " INSERT INTO t SELECT i, i::text FROM generate_series(1, 500) i");
  const auto record = begin_planned(ground, {retype("v", "int", "CAST(v AS int)")});
  LK_ASSERT_OK(record);
  const auto ready = engine.expand(Context(), *record, {}, progress);
  LK_ASSERT_OK(ready);
  ground.run("UPDATE t SET v = 'seven' WHERE id = 7; INSERT INTO t VALUES (1000, 'thousand')");
  const auto stopped = engine.contract(Context(), *ready, {}, progress);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::precondition);
  EXPECT_EQ(stopped.error().reason, "RowFails") << stopped.error().text();
  EXPECT_NE(stopped.error().detail.find("id=7: invalid input syntax"), std::string::npos)
      << stopped.error().text();
  ground.run("UPDATE t SET v = '7' WHERE id = 7; DELETE FROM t WHERE id = 1000");
  LK_ASSERT_OK(engine.contract(Context(), *ready, {}, progress));
  EXPECT_EQ(ground.ask("SELECT sum(v) FROM t"), "125250");
}

}  // namespace
}  // namespace lockkeeper::engine
