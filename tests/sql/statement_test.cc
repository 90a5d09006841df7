#include "dbcore/sql/statement.h"

#include <gtest/gtest.h>

#include <array>

namespace lockkeeper::sql {
namespace {

TEST(IdentifierTest, IsAlwaysPrintedInQuotesWithInnerOnesDoubled) {
  EXPECT_EQ(Identifier::make("plain").value().quoted(), "\"plain\"");
  EXPECT_EQ(Identifier::make("a\"; DROP TABLE t; --").value().quoted(),
            "\"a\"\"; DROP TABLE t; --\"");
}

TEST(IdentifierTest, CountsBytesNotLetters) {
  EXPECT_TRUE(Identifier::make(std::string(63, 'a')).ok());
  EXPECT_FALSE(Identifier::make(std::string(64, 'a')).ok());
  std::string letters;
  for (int i = 0; i < 32; ++i) letters += "ä";
  EXPECT_EQ(Identifier::make(letters).error().code, base::ErrorCode::invalid);
}

TEST(IdentifierTest, RefusesWhatTheCatalogCannotHold) {
  EXPECT_FALSE(Identifier::make("").ok());
  EXPECT_FALSE(Identifier::make(std::string_view("a\0b", 3)).ok());
  for (const char* wrong : {"\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "a\x80"}) {
    EXPECT_FALSE(Identifier::make(wrong).ok());
  }
  for (const char* right : {"ä", "名前", "\xF0\x9F\x94\x92", "a b.c"}) {
    EXPECT_TRUE(Identifier::make(right).ok()) << right;
  }
}

TEST(LiteralTest, CannotBeLeftByQuotesOrBackslashes) {
  EXPECT_EQ(Literal{"it's"}.quoted(), "'it''s'");
  EXPECT_EQ(Literal{"\\'; --"}.quoted(), "E'\\\\''; --'");
  EXPECT_EQ(Literal{""}.quoted(), "''");
}

TEST(FormatTest, PutsNamesAndLiteralsTogetherSafely) {
  const QualifiedName table{Identifier::trusted("App"), Identifier::trusted("or\"der")};
  const Fragment made =
      format("ALTER TABLE {} ADD COLUMN {} text DEFAULT {} CHECK ({}) -- {} {}", table,
             Identifier::trusted("c"), Literal{"x'y"}, Fragment::trusted("c <> ''"), 7, true);
  EXPECT_EQ(made.text(),
            "ALTER TABLE \"App\".\"or\"\"der\" ADD COLUMN \"c\" text DEFAULT 'x''y' "
            "CHECK (c <> '') -- 7 true");
}

TEST(FormatTest, JoinsNames) {
  const std::array<Identifier, 2> names{Identifier::trusted("a"), Identifier::trusted("B")};
  EXPECT_EQ(join(names).text(), "\"a\", \"B\"");
  EXPECT_EQ(join(std::span<const Identifier>()).text(), "");
}

TEST(StatementTest, BindsEachKindAsItself) {
  Statement statement("SELECT $1");
  const std::string text = "text";
  const std::vector<std::string> list{"a", "b\"\\", ""};
  statement.bind("literal").bind(text).bind(true).bind(42).bind(std::nullopt);
  statement.bind(std::optional<std::string>("o")).bind(std::span<const std::string>(list));
  const auto& bound = statement.parameters();
  ASSERT_EQ(bound.size(), 7U);
  EXPECT_EQ(bound[0], "literal");
  EXPECT_EQ(bound[1], "text");
  EXPECT_EQ(bound[2], "true");
  EXPECT_EQ(bound[3], "42");
  EXPECT_EQ(bound[4], std::nullopt);
  EXPECT_EQ(bound[5], "o");
  EXPECT_EQ(bound[6], "{\"a\",\"b\\\"\\\\\",\"\"}");
}

}  // namespace
}  // namespace lockkeeper::sql
