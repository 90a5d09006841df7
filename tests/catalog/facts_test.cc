#include <gtest/gtest.h>

#include "dbcore/catalog/fingerprint.h"

namespace lockkeeper::catalog {
namespace {

using Facts = std::vector<std::string>;

TEST(FingerprintTest, IsSha256OverFramedFacts) {
  EXPECT_EQ(fingerprint({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(fingerprint({"a"}).size(), 64U);
  EXPECT_NE(fingerprint({"a", "b"}), fingerprint({"a\nb"}));
  EXPECT_NE(fingerprint({"a", "b"}), fingerprint({"ab"}));
  EXPECT_EQ(fingerprint({"a", "b"}), fingerprint({"a", "b"}));
}

TEST(DifferenceTest, ShowsTheTwoSidesOfOneChangeTogether) {
  EXPECT_EQ(difference({"column a: int", "column b: int"}, {"column a: text", "column c: int"}),
            "- column a: int\n+ column a: text\n- column b: int\n+ column c: int");
}

TEST(DifferenceTest, IsEmptyForTheSameFactsInAnyOrder) {
  EXPECT_EQ(difference({"a", "b"}, {"b", "a"}), "");
}

TEST(DifferenceTest, CountsWhatItLeavesOut) {
  Facts found;
  for (int i = 0; i < 25; ++i) found.push_back("table t" + std::to_string(i) + ": x");
  const std::string text = difference({}, found, 3);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_TRUE(text.ends_with("\n... and 22 more")) << text;
  EXPECT_EQ(difference({}, {"a"}, 0), "... and 1 more");
}

TEST(DifferenceTest, ShortensLongFactsAtACharacter) {
  std::string text = "view v: ";
  for (int i = 0; i < 500; ++i) text += "☃";
  const std::string shown = difference({}, {text});
  EXPECT_LT(shown.size(), 310U);
  EXPECT_TRUE(shown.ends_with("☃...")) << shown;
}

TEST(FactsTest, OidsSizesAndStatisticsAreNoFacts) {
  Catalog catalog;
  Table table;
  table.oid = 17;
  table.name = {sql::Identifier::trusted("s"), sql::Identifier::trusted("t")};
  Column column;
  column.name = "a";
  column.type = "integer";
  table.columns.push_back(column);
  catalog.tables.emplace("t", table);
  const Facts before = facts(catalog);
  EXPECT_EQ(before, (Facts{R"(column "s"."t"."a": integer)",
                           R"(table "s"."t": table persistence p replica identity d)"}));
  Table& other = catalog.tables.at("t");
  other.oid = 18;
  other.row_estimate = 1e6;
  other.size_bytes = other.total_bytes = 8192;
  other.owner = "somebody";
  other.acl = {"=r/postgres"};
  other.comment = "words";
  other.columns[0].type_oid = 99;
  other.columns[0].statistics_target = 300;
  EXPECT_EQ(facts(catalog), before);
  other.columns[0].not_null = true;
  EXPECT_NE(facts(catalog), before);
}

TEST(FactsTest, AFactIsOneLine) {
  Catalog catalog;
  View view;
  view.name = {sql::Identifier::trusted("s"), sql::Identifier::trusted("v\nw")};
  view.definition = " SELECT 1\n  AS a;";
  catalog.views.push_back(view);
  for (const auto& fact : facts(catalog)) EXPECT_EQ(fact.find('\n'), std::string::npos) << fact;
  catalog.views[0].name.schema = sql::Identifier::trusted("lockkeeper");
  EXPECT_TRUE(facts(catalog).empty());
}

}  // namespace
}  // namespace lockkeeper::catalog
