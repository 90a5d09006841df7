// Names that would break out of careless SQL work as any other, forward and back.
#include <gmock/gmock.h>

#include "tests/e2e/shop.h"
#include "tests/support/await.h"

namespace lockkeeper::e2e {
namespace {

using std::chrono::seconds;

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string literal(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

// 63 bytes, the most that PostgreSQL keeps, the last of them told apart.
std::string longest(char last) {
  std::string name;
  for (int i = 0; i < 31; ++i) name += "\xC3\xA4";
  return name + last;
}

struct Names {
  std::string table;
  std::string column;   // that gets a new name
  std::string renamed;  // the new one
  std::string added;
  std::string retyped;
  std::string index;
};

std::vector<Names> all_names() {
  std::vector<Names> all = {
      {"order", "select", "table", "user", "group", "index"},
      {"MixedCase", "camelCase", "CamelCase", "ALLCAPS", "iD", "Idx"},
      {"\"; drop table users; --", "'; drop table users; --", "\"\"", "'", "\"a\".\"b\"", "--"},
      {"back\\slash", "\\", "\\'", "e'\\n'", "$1", "\\\\"},
      {"$lk$", "$function$", "$$", "{}", "%s", "{0}"},
      {"two\nlines", "tab\tbed", "new\nold", " spaced ", "?", "dot.ted"},
      {longest('1'), longest('2'), longest('3'), longest('4'), longest('5'), longest('6')},
  };
  // A schema has one list of names for tables and indexes.
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].index.size() < 50) all[i].index += " of " + std::to_string(i);
  }
  return all;
}

const std::string hostile_schema = "Sch\"e'm\xC3\xA4; drop table users; --";

std::string in_schema(const std::string& name) {
  return quoted(hostile_schema) + "." + quoted(name);
}

std::string tables() {
  std::string sql = "CREATE SCHEMA " + quoted(hostile_schema) + ";";
  for (const Names& n : all_names()) {
    sql += "CREATE TABLE " + in_schema(n.table) + " (id int PRIMARY KEY, " + quoted(n.column) +
           " text NOT NULL, " + quoted(n.retyped) + " int NOT NULL); INSERT INTO " +
           in_schema(n.table) + " SELECT i, 'n' || i, i FROM generate_series(1, 300) i;";
  }
  return sql;
}

Json job_on(const Names& n) {
  return Json::array(
      {{{"renameColumn", {{"table", n.table}, {"from", n.column}, {"to", n.renamed}}}},
       {{"addColumn",
         {{"table", n.table},
          {"up", quoted(n.column) + " || " + literal(n.table)},
          {"column", {{"name", n.added}, {"type", "text"}, {"nullable", false}}}}}},
       {{"changeType", {{"table", n.table}, {"column", n.retyped}, {"type", "bigint"}}}},
       {{"createIndex",
         {{"table", n.table},
          {"name", n.index},
          {"columns", Json::array({{{"name", n.added}}, {{"name", n.renamed}}})}}}}});
}

void expect_new_shape(const Shop& shop, const Names& n) {
  EXPECT_EQ(shop.sql("SELECT count(*) FROM " + in_schema(n.table) + " WHERE " + quoted(n.renamed) +
                     " = 'n' || id AND " + quoted(n.added) + " = 'n' || id || " + literal(n.table) +
                     " AND " + quoted(n.retyped) + " = id"),
            "300");
  EXPECT_EQ(shop.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = " +
                     literal(in_schema(n.index)) + "::regclass"),
            "t");
}

TEST(NamesStory, HostileNamesWorkAsAnyOtherForwardAndBack) {
  Shop shop({.tables = tables(), .schema = hostile_schema});
  const auto dump = [&] {
    return shop.postgres().dump_schema(shop.database(), {"-N", "lockkeeper"});
  };
  const auto before = dump();
  const auto names = all_names();
  const auto object = [](const char* kind, std::size_t i) { return kind + std::to_string(i); };
  for (std::size_t i = 0; i < names.size(); ++i) shop.migrate(object("back-", i), job_on(names[i]));
  for (std::size_t i = 0; i < names.size(); ++i) {
    SCOPED_TRACE(names[i].table);
    ASSERT_TRUE(shop.reaches(object("back-", i), "ReadyToSwitch", seconds(60)));
    shop.patch(object("back-", i), {{"spec", {{"rollback", true}}}});
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_TRUE(shop.reaches(object("back-", i), "RolledBack")) << names[i].table;
  }
  EXPECT_EQ(dump(), before);
  for (std::size_t i = 0; i < names.size(); ++i) {
    shop.migrate(object("go-", i), job_on(names[i]), {{"until", "Contract"}});
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    SCOPED_TRACE(names[i].table);
    ASSERT_TRUE(shop.reaches(object("go-", i), "Completed"));
    expect_new_shape(shop, names[i]);
  }
  EXPECT_EQ(shop.sql("SELECT count(*) FROM pg_attribute WHERE attname LIKE '\\_lk%' AND NOT "
                     "attisdropped"),
            "0");
}

}  // namespace
}  // namespace lockkeeper::e2e
