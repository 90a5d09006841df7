// Names that are SQL, quotes, dollar tags, 63 bytes, other alphabets: through contract, and back.
#include "tests/engine/disturbed.h"

namespace lockkeeper::engine {
namespace {

using base::Context;
using execute::Playground;
using execute::Record;
using execute::State;

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

struct Names {
  std::string label;
  std::string schema, table, id, name, ref, new_name, added, index, old_index, constraint, role;
};

std::ostream& operator<<(std::ostream& out, const Names& names) {
  return out << names.label;
}

// Twelve names that differ in their last letter only.
Names all(const std::string& label, const std::string& stem) {
  const auto with = [&](char end) { return stem + end; };
  return {label,     with('a'), with('b'), with('c'), with('d'), with('e'),
          with('f'), with('g'), with('h'), with('i'), with('j'), with('k')};
}

class HostileNamesTest : public ::testing::TestWithParam<Names> {
 protected:
  static const Names& n() { return GetParam(); }
  [[nodiscard]] static std::string table() { return quoted(n().schema) + "." + quoted(n().table); }

  void SetUp() override {
    ground_.pg.execute(ground_.db,
                       "CREATE SCHEMA " + quoted(n().schema) + " AUTHORIZATION lk_owner");
    ground_.pg.execute(ground_.db, "DROP ROLE IF EXISTS " + quoted(n().role) + "; CREATE ROLE " +
                                       quoted(n().role));
    ground_.run("CREATE TABLE " + table() + " (" + quoted(n().id) + " int CONSTRAINT " +
                quoted(n().constraint) + " PRIMARY KEY, " + quoted(n().name) +
                " text NOT NULL CONSTRAINT " + quoted(n().constraint + "2") + " CHECK (" +
                quoted(n().name) + " <> ''), " + quoted(n().ref) + " int NOT NULL DEFAULT 7)");
    ground_.run("CREATE UNIQUE INDEX " + quoted(n().old_index) + " ON " + table() + " (" +
                quoted(n().ref) + ", " + quoted(n().id) + ")");
    ground_.run("CREATE VIEW " + quoted(n().schema) + "." + quoted(n().old_index + "v") +
                " AS SELECT " + quoted(n().ref) + " FROM " + table());
    ground_.run("GRANT SELECT, INSERT (" + quoted(n().ref) + ") ON " + table() + " TO " +
                quoted(n().role));
    ground_.run("COMMENT ON COLUMN " + table() + "." + quoted(n().ref) + " IS $c$" + n().ref +
                "$c$");
    ground_.run("INSERT INTO " + table() +
                " SELECT i, 'name ' || i, i * 2 FROM generate_series(1, "
                "1200) i");
  }
  void TearDown() override {
    ground_.pg.execute(ground_.db,
                       "DROP OWNED BY " + quoted(n().role) + "; DROP ROLE " + quoted(n().role));
  }

  [[nodiscard]] std::vector<plan::Operation> operations() const {
    plan::RenameColumn rename{n().table, n().name, n().new_name};
    plan::AddColumn add;
    add.table = n().table;
    add.column.name = n().added;
    add.column.type = "text";
    add.column.nullable = false;
    add.column.comment = n().added;
    add.up = "lower(" + quoted(n().name) + ")";
    plan::ChangeType widen;
    widen.table = n().table;
    widen.column = n().ref;
    widen.type = "bigint";
    plan::CreateIndex index;
    index.table = n().table;
    index.name = n().index;
    index.columns = {{n().added, "", "", "", "", ""},
                     {"", "upper(" + quoted(n().added) + ")", "", "", "", ""}};
    index.where = quoted(n().ref) + " > 3";
    return {rename, add, widen, index};
  }

  base::Result<Record> ready() {
    const execute::Identity identity{n().schema, "shop/" + n().label};
    TRY_OK(engine_.find(Context(), identity));
    TRY(const auto plan, engine_.plan(Context(), identity, operations(), {}));
    TRY(const auto record, engine_.start(Context(), identity, plan, operations(), plan.hash));
    return engine_.expand(Context(), record, tuning_, progress_);
  }

  void both_write() {
    ground_.run("INSERT INTO " + table() + " (" + quoted(n().id) + ", " + quoted(n().name) +
                ") VALUES (5001, 'Old')");
    ground_.run("INSERT INTO " + table() + " (" + quoted(n().id) + ", " + quoted(n().new_name) +
                ", " + quoted(n().added) + ") VALUES (5002, 'New', 'mine')");
    ground_.run("UPDATE " + table() + " SET " + quoted(n().new_name) + " = 'Changed' WHERE " +
                quoted(n().id) + " = 3");
    ground_.run("DELETE FROM " + table() + " WHERE " + quoted(n().id) + " = 4");
  }
  [[nodiscard]] std::string rows(const std::string& name) const {
    return ground_.ask("SELECT count(*), min(" + quoted(name) + ") FILTER (WHERE " +
                       quoted(n().id) + " = 3), string_agg(" + quoted(name) + ", ',' ORDER BY " +
                       quoted(n().id) + ") FILTER (WHERE " + quoted(n().id) + " > 5000), sum(" +
                       quoted(n().ref) + ") FROM " + table());
  }

  Playground ground_;
  Engine engine_{ground_.pool};
  Tuning tuning_;
  execute::Progress progress_;
};

// 1,200 rows, less one, plus two that took the default.
constexpr const char* left = "1201|Changed|Old,New|1441206";

TEST_P(HostileNamesTest, GoThroughContract) {
  const auto record = ready();
  LK_ASSERT_OK(record);
  both_write();
  const auto completed = engine_.contract(Context(), *record, tuning_, progress_);
  LK_ASSERT_OK(completed);
  EXPECT_EQ(completed->state, State::completed);
  EXPECT_EQ(rows(n().new_name), left);
  const auto dump = ground_.pg.dump_schema(ground_.db, {"--exclude-schema=lockkeeper"});
  EXPECT_EQ(dump.find("_lk_"), std::string::npos) << dump;
  EXPECT_EQ(dump.find("~lk"), std::string::npos) << dump;
  EXPECT_EQ(ground_.ask("SELECT count(*) FROM pg_indexes WHERE indexname IN ($n$" + n().index +
                        "$n$, $n$" + n().old_index + "$n$, $n$" + n().constraint + "$n$)"),
            "3");
}

TEST_P(HostileNamesTest, AreTakenBack) {
  const auto before = ground_.pg.dump_schema(ground_.db, {"--exclude-schema=lockkeeper"});
  const auto record = ready();
  LK_ASSERT_OK(record);
  both_write();
  const auto rolled = engine_.roll_back(Context(), *record, tuning_, progress_);
  LK_ASSERT_OK(rolled);
  EXPECT_EQ(rolled->state, State::rolled_back);
  EXPECT_EQ(ground_.pg.dump_schema(ground_.db, {"--exclude-schema=lockkeeper"}), before);
  EXPECT_EQ(rows(n().name), left);
}

Names reserved() {
  return {"reserved", "all",  "table", "user",  "select",         "order",
          "group",    "from", "limit", "check", "current_schema", "authorization"};
}
Names mixed_case() {
  return {"mixed_case", "Shop", "Users", "Id",      "Name",    "Ref",
          "NAME",       "Plan", "PLAN",  "USERS_I", "Users_k", "Role"};
}

INSTANTIATE_TEST_SUITE_P(
    Names, HostileNamesTest,
    ::testing::Values(all("injection", "\"; DROP TABLE t; --"), all("single_quotes", "o'neil''s '"),
                      all("double_quotes", "a\"b\"\"c\""), all("backslash", "\\n\\' \\\\ E'\\x41"),
                      all("lines_dots_comments", "a.b /* x\n*/ --\n\t"),
                      all("tags_and_signs", "$lk$ $router$ $$ $1 %s %I %% {} {0} "),
                      all("other_alphabets", "пользователь 用户 é "),
                      all("long", std::string(61, 'x')), reserved(), mixed_case()),
    [](const auto& row) { return row.param.label; });

}  // namespace
}  // namespace lockkeeper::engine
