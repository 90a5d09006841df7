#include <gtest/gtest.h>

#include "dbcore/sql/parse.h"

namespace lockkeeper::sql::parse {
namespace {

using Names = std::set<std::string>;
using Functions = std::set<FunctionName>;

Expression read(std::string_view text) {
  auto result = expression(text);
  EXPECT_TRUE(result.ok()) << text << ": " << (result.ok() ? "" : result.error().text());
  return result.ok() ? std::move(result).value() : Expression{};
}

TEST(ExpressionTest, NamesColumnsAndFunctions) {
  const Expression e = read(R"(coalesce(lower("First Name"), s."F x"(b, 'c')) || d::text)");
  EXPECT_EQ(e.columns, (Names{"First Name", "b", "d"}));
  EXPECT_EQ(e.functions, (Functions{{"", "lower"}, {"s", "F x"}}));
  EXPECT_FALSE(e.constant);
  EXPECT_FALSE(e.qualified_columns);
}

TEST(ExpressionTest, TextLosesCommentsAndExtraWhiteSpaceOnly) {
  EXPECT_EQ(read(" a  +/* why */ 1 -- end").text.text(), "a + 1");
  EXPECT_EQ(read("a/**/+b").text.text(), "a +b");
  EXPECT_EQ(read("a/**/AND/**/b").text.text(), "a AND b");
  EXPECT_EQ(read("'--no  comment'\n||  $x$ /* nor this */ $x$").text.text(),
            "'--no  comment' || $x$ /* nor this */ $x$");
  EXPECT_EQ(read("'one'\n  'literal'").text.text(), "'one'\n  'literal'");
}

TEST(ExpressionTest, ConstantReadsNothingAndCallsNothing) {
  EXPECT_TRUE(read("1 + 2").constant);
  EXPECT_TRUE(read("'x'::text").constant);
  EXPECT_TRUE(read("ARRAY[1,2]").constant);
  EXPECT_TRUE(read("CASE WHEN true THEN 1 END").constant);
  EXPECT_FALSE(read("a").constant);
  EXPECT_FALSE(read("now()").constant);
  EXPECT_FALSE(read("CURRENT_TIMESTAMP").constant);
  EXPECT_FALSE(read("(SELECT 1)").constant);
  EXPECT_FALSE(read("$1").constant);
}

TEST(ExpressionTest, BareLooksNothingUpThatASearchPathCouldReplace) {
  for (const auto* text : {"a", "'free'", "-1", "1.5", "NULL", "true", "CAST(a AS bigint)",
                           "coalesce(a, b, 'x')", "a IS NULL AND NOT b", "a IS TRUE"}) {
    EXPECT_TRUE(read(text).bare) << text;
  }
  for (const auto* text :
       {"a + 1", "lower(a)", "pg_catalog.lower(a)", "a::text", "CAST(a AS app.money)", "now()",
        "CURRENT_DATE", "a IN ('x')", "nullif(a, '')", "CASE a WHEN 1 THEN 2 END",
        "a IS DISTINCT FROM b", "a COLLATE \"C\"", "greatest(a, b)", "coalesce(a, b || 'x')"}) {
    EXPECT_FALSE(read(text).bare) << text;
  }
}

TEST(ExpressionTest, ValueFunctionsAreNamedAsTheirFunctions) {
  EXPECT_EQ(read("CURRENT_DATE").functions, (Functions{{"pg_catalog", "now"}}));
  EXPECT_EQ(read("localtimestamp(3)").functions, (Functions{{"pg_catalog", "now"}}));
  EXPECT_EQ(read("current_user").functions, (Functions{{"pg_catalog", "current_user"}}));
  EXPECT_EQ(read("a AT TIME ZONE 'UTC'").functions, (Functions{{"pg_catalog", "timezone"}}));
  EXPECT_EQ(read("extract(epoch from a)").functions, (Functions{{"pg_catalog", "extract"}}));
}

TEST(ExpressionTest, SeesSubqueriesAggregatesWindowsAndParameters) {
  EXPECT_TRUE(read("a + (SELECT max(x) FROM t)").has_subquery);
  EXPECT_TRUE(read("EXISTS (SELECT 1)").has_subquery);
  EXPECT_TRUE(read("a IN (SELECT 1)").has_subquery);
  EXPECT_FALSE(read("a IN (1, 2)").has_subquery);
  for (const auto* text :
       {"count(*)", "sum(a) OVER ()", "sum(DISTINCT a)", "sum(a) FILTER (WHERE b)",
        "string_agg(a, ',' ORDER BY b)", "percentile_cont(0.5) WITHIN GROUP (ORDER BY a)"}) {
    EXPECT_TRUE(read(text).has_aggregate_or_window) << text;
  }
  EXPECT_FALSE(read("lower(a)").has_aggregate_or_window);
  EXPECT_TRUE(read("a = $1").has_parameter);
}

TEST(ExpressionTest, SeesQualifiedAndWholeRowReferences) {
  EXPECT_TRUE(read("t.a").qualified_columns);
  EXPECT_TRUE(read("f(t.*)").qualified_columns);
  EXPECT_TRUE(read("NEW.a").qualified_columns);
  const Expression field = read("(address).street");
  EXPECT_FALSE(field.qualified_columns);
  EXPECT_EQ(field.columns, (Names{"address"}));
  EXPECT_EQ(read("make_interval(days => a)").columns, (Names{"a"}));
}

TEST(ExpressionTest, FoldsNamesAsTheServerDoes) {
  EXPECT_EQ(read("Abc + \"Abc\"").columns, (Names{"abc", "Abc"}));
  EXPECT_EQ(read("U&'\\0061''x' || e'\\'' || b'01' || X'1F' || N'n' || U&'d!0061' UESCAPE '!' || é")
                .text.text(),
            "U&'\\0061''x' || e'\\'' || b'01' || X'1F' || N'n' || U&'d!0061' UESCAPE '!' || é");
  EXPECT_EQ(read("U&\"d\\0061t\\+000061\"").columns, (Names{"data"}));
}

TEST(ExpressionTest, RefusesWhatIsNotOneExpression) {
  for (const auto* text : {"",
                           "  ",
                           "-- nothing",
                           "a, b",
                           "a; DROP TABLE t",
                           "a;",
                           "a FROM t",
                           "a AS b",
                           "a b",
                           "DISTINCT a",
                           "ALL a",
                           "a ORDER BY 1",
                           "a LIMIT 1",
                           "a INTO b",
                           "a UNION SELECT 1",
                           "a WHERE b",
                           "a) + (b",
                           "*",
                           "a FOR UPDATE",
                           "DEFAULT",
                           "1 + DEFAULT",
                           "a +",
                           "'open",
                           "\"open",
                           "$x$open",
                           "/* open",
                           "SELECT 1",
                           "a GROUP BY a",
                           "a HAVING b",
                           "VALUES (1)"}) {
    const auto result = expression(text);
    EXPECT_FALSE(result.ok()) << text;
    if (!result.ok()) {
      EXPECT_EQ(result.error().code, base::ErrorCode::invalid) << text;
    }
  }
}

TEST(ExpressionTest, ErrorsCountFromTheUsersText) {
  const auto result = expression("naïve +\n  ü ü ü");
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("at line 2, column 7"), std::string::npos)
      << result.error().message;
  EXPECT_EQ(result.error().reason, "CannotJudge");
}

std::string renamed(std::string_view text, const std::map<std::string, std::string>& names,
                    std::string_view qualifier = {}) {
  const auto result = rename_columns(text, names, qualifier);
  return result.ok() ? result->text() : "error: " + result.error().text();
}

TEST(RenameColumnsTest, RenamesReferencesAndNothingElse) {
  EXPECT_EQ(renamed("a + lower('a') || \"a\" || a(a) || x.a", {{"a", "b"}}).substr(0, 6), "error:");
  EXPECT_EQ(renamed("a || lower('a') || \"a\" || a(a) || b", {{"a", "b"}, {"b", "a"}}),
            R"("b" || lower('a') || "b" || a("b") || "a")");
  EXPECT_EQ(renamed("(a).a[a] + make_interval(a => a)::a", {{"a", "_lk_\"x"}}),
            R"(("_lk_""x").a["_lk_""x"] + make_interval(a => "_lk_""x")::a)");
}

TEST(RenameColumnsTest, ByteOffsetsHoldAfterCharactersOfManyBytes) {
  EXPECT_EQ(renamed("'☃ü' || \"naïve\" || c", {{"c", "d"}, {"naïve", "ü"}}),
            R"('☃ü' || "ü" || "d")");
}

TEST(RenameColumnsTest, QualifiesEveryReference) {
  EXPECT_EQ(renamed("a + B * (c).d", {{"a", "x"}}, "NEW"), R"(NEW."x" + NEW."b" * (NEW."c").d)");
  EXPECT_EQ(renamed("a", {}, "OLD"), R"(OLD."a")");
  EXPECT_EQ(renamed("a", {}, "T 1"), R"("T 1"."a")");
  EXPECT_EQ(renamed("1", {}, "NEW"), "1");
}

TEST(RenameColumnsTest, RefusesWhatItCannotRenameWithCertainty) {
  EXPECT_EQ(renamed("(SELECT a)", {{"a", "b"}}).substr(0, 6), "error:");
  EXPECT_EQ(renamed("t.*", {{"a", "b"}}).substr(0, 6), "error:");
}

std::string type(std::string_view text) {
  const auto result = type_name(text);
  return result.ok() ? result->text() : "error: " + result.error().text();
}

TEST(TypeNameTest, TakesEveryFormOfType) {
  for (const auto* text :
       {"int", "numeric(12,2)", "character varying(10)", "timestamp(3) with time zone", "text[]",
        "int[3][3]", "int ARRAY[4]", "\"char\"", "s.\"My Type\"", "interval day to second(3)",
        "bit varying(8)", "double precision", "public.geometry(Point, 4326)",
        "national character(3)"}) {
    EXPECT_EQ(type(text), text);
  }
  EXPECT_EQ(type(" numeric ( 12 , /* scale */ 2 ) "), "numeric ( 12 , 2 )");
}

TEST(TypeNameTest, RefusesAllElse) {
  for (const auto* text : {"", "int + 1", "int) , (1", "int)::numeric(10", "int NOT NULL",
                           "int COLLATE \"C\"", "SETOF int", "a.b%TYPE", "int; DROP TABLE t",
                           "int) FROM (SELECT 1) x(a", "1", "'int'", "int DEFAULT 1"}) {
    EXPECT_EQ(type(text).substr(0, 6), "error:") << text;
  }
}

}  // namespace
}  // namespace lockkeeper::sql::parse
