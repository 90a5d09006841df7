// Rows that do not fit the new shape: the object names one of them and says what to do, the
// application goes on writing, and both ways out are open: mend the row, or go back.
#include <gmock/gmock.h>

#include "tests/e2e/shop.h"
#include "tests/support/await.h"

namespace lockkeeper::e2e {
namespace {

using std::chrono::seconds;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

struct Misfit {
  std::string name;
  std::string operation;  // on table T
  std::string bad_row;    // spoils table T, key 7
  std::string mend;       // the same table
  std::string reason;
  std::string row;  // as the message names it
};

std::vector<Misfit> misfits() {
  return {
      {"cast",
       R"({"changeType": {"table": "T", "column": "code", "type": "int", "to": "number",
           "up": "code::int", "down": "number::text"}})",
       "UPDATE T SET code = 'seven' WHERE id = 7", "UPDATE T SET code = '7' WHERE id = 7",
       "RowFails", "7"},
      {"divide",
       R"({"addColumn": {"table": "T", "up": "100 / amount",
           "column": {"name": "share", "type": "int"}}})",
       "UPDATE T SET amount = 0 WHERE id = 7", "UPDATE T SET amount = 1 WHERE id = 7", "RowFails",
       "7"},
      {"null",
       R"({"addColumn": {"table": "T", "up": "nick",
           "column": {"name": "handle", "type": "text", "nullable": false}}})",
       "UPDATE T SET nick = NULL WHERE id = 7", "UPDATE T SET nick = 'n' WHERE id = 7", "RowFails",
       "7"},
      {"notnull", R"({"setNotNull": {"table": "T", "column": "nick"}})",
       "UPDATE T SET nick = NULL WHERE id = 7", "UPDATE T SET nick = 'n' WHERE id = 7", "RowFails",
       "7"},
      {"unique",
       R"({"createIndex": {"table": "T", "name": "T_amount", "unique": true,
           "columns": [{"name": "amount"}]}})",
       "UPDATE T SET amount = 8 WHERE id = 7", "UPDATE T SET amount = 7 WHERE id = 7",
       "DuplicateKeys", "8"},
  };
}

std::string on(const std::string& table, std::string text) {
  for (auto at = text.find("\"T"); at != std::string::npos; at = text.find("\"T")) {
    text.replace(at, 2, "\"" + table);
  }
  for (auto at = text.find(" T "); at != std::string::npos; at = text.find(" T ")) {
    text.replace(at, 3, " shop." + table + " ");
  }
  return text;
}

// Each misfit twice: table X_mend is mended, table X_back taken back.
std::string tables() {
  std::string sql = "CREATE SCHEMA shop;";
  for (const Misfit& misfit : misfits()) {
    for (const auto* way : {"_mend", "_back"}) {
      sql += on(misfit.name + way,
                "CREATE TABLE T (id int PRIMARY KEY, code text NOT NULL, amount int NOT NULL, nick "
                "text); INSERT INTO T SELECT i, i::text, i, 'n' || i FROM generate_series(1, 500) "
                "i; " +
                    misfit.bad_row + ";");
    }
  }
  return sql;
}

TEST(RowStory, ARowThatDoesNotFitIsNamedWritesGoOnAndBothWaysOutAreOpen) {
  Shop shop({.tables = tables()});
  std::map<std::string, std::string> before;
  for (const Misfit& misfit : misfits()) {
    before[misfit.name] = shop.schema_of(misfit.name + "_back");
  }
  for (const Misfit& misfit : misfits()) {
    for (const std::string way : {"mend", "back"}) {
      shop.migrate(misfit.name + "-" + way,
                   Json::array({Json::parse(on(misfit.name + "_" + way, misfit.operation))}),
                   {{"until", "Contract"}, {"safety", {{"approval", "Never"}}}});
    }
  }
  for (const Misfit& misfit : misfits()) {
    for (const std::string way : {"mend", "back"}) {
      SCOPED_TRACE(misfit.name + " " + way);
      const std::string object = "lkm/" + misfit.name + "-" + way;
      const std::string table = misfit.name + "_" + way;
      EXPECT_TRUE(shop.says(object, "Ready", misfit.reason));
      const auto message = shop.condition(object, "Ready", "message");
      EXPECT_THAT(message, HasSubstr("Blocked (" + misfit.reason + ")"));
      EXPECT_THAT(message, ContainsRegex("[=(]" + misfit.row + "[:;),]"));
      EXPECT_THAT(message, HasSubstr(table));
      EXPECT_THAT(message, HasSubstr("hint: "));
      EXPECT_NO_THROW(shop.execute(on(
          table,
          "INSERT INTO T (id, code, amount, nick) VALUES (1001, '1001', 1001, 'n'); UPDATE T SET "
          "amount = 2000 WHERE id = 9; DELETE FROM T WHERE id = 10")));
      // The bad value comes from the application: it may write it again.
      EXPECT_NO_THROW(shop.execute(on(table, misfit.bad_row)));
    }
  }
  for (const Misfit& misfit : misfits()) {
    shop.execute(on(misfit.name + "_mend", misfit.mend));
    shop.patch(misfit.name + "-back", {{"spec", {{"rollback", true}}}});
  }
  for (const Misfit& misfit : misfits()) {
    SCOPED_TRACE(misfit.name);
    EXPECT_TRUE(shop.reaches(misfit.name + "-back", "RolledBack"));
    EXPECT_TRUE(shop.reaches(misfit.name + "-mend", "Completed"));
    EXPECT_EQ(shop.sql(on(misfit.name + "_back", "SELECT count(*) FROM T WHERE true")), "500");
    EXPECT_EQ(shop.sql(on(misfit.name + "_back", "SELECT amount FROM T WHERE id = 9")), "2000");
    EXPECT_EQ(shop.schema_of(misfit.name + "_back"), before[misfit.name]);
  }
}

// The old version knows nothing of the new shape: what it may write, it may write to the end.
TEST(RowStory, AValueThatComesWhenAllIsReadyIsTakenAndHoldsContractOnly) {
  Shop shop({.tables = "CREATE SCHEMA shop; CREATE TABLE shop.items (id int PRIMARY KEY, code "
                       "text); INSERT INTO shop.items SELECT i, i::text FROM "
                       "generate_series(1, 500) i"});
  shop.migrate("items", Json::parse(R"([{"changeType": {"table": "items", "column": "code",
      "type": "int", "to": "number", "up": "code::int", "down": "number::text"}}])"),
               {{"safety", {{"approval", "Never"}}}});
  ASSERT_TRUE(shop.reaches("items", "ReadyToSwitch"));
  EXPECT_NO_THROW(shop.execute("UPDATE shop.items SET code = 'nine' WHERE id = 9"));
  EXPECT_NO_THROW(shop.execute("INSERT INTO shop.items (id, code) VALUES (501, 'five')"));
  shop.patch("items", {{"spec", {{"until", "Contract"}}}});
  ASSERT_TRUE(shop.says("lkm/items", "Ready", "RowFails"));
  EXPECT_THAT(shop.condition("lkm/items", "Ready", "message"), HasSubstr("id=9"));
  EXPECT_EQ(shop.sql("SELECT code FROM shop.items WHERE id = 9"), "nine");
  shop.execute("UPDATE shop.items SET code = '9' WHERE id = 9");
  shop.execute("DELETE FROM shop.items WHERE id = 501");
  EXPECT_TRUE(shop.reaches("items", "Completed"));
  EXPECT_EQ(shop.sql("SELECT count(*) FROM shop.items WHERE number = id"), "500");
}

}  // namespace
}  // namespace lockkeeper::e2e
