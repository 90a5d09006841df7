// libpg_query recurses without a guard: what a user sends must never end the process.
#include <gtest/gtest.h>

#include <thread>

#include "dbcore/sql/parse.h"

namespace lockkeeper::sql::parse {
namespace {

std::string repeated(std::string_view piece, std::size_t bytes) {
  std::string result;
  while (result.size() + piece.size() <= bytes) result += piece;
  return result;
}

// As many pairs of open and close around the middle as fit.
std::string nested(std::string_view open, std::string_view middle, std::string_view close,
                   std::size_t bytes) {
  const std::size_t pairs = (bytes - middle.size()) / (open.size() + close.size());
  return repeated(open, pairs * open.size())
      .append(middle)
      .append(repeated(close, pairs * close.size()));
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LK_SLOW_STACKS  // each allocation walks the stack
#endif
#endif
#ifdef LK_SLOW_STACKS
constexpr std::size_t limit = 3'000;
#else
constexpr std::size_t limit = 10'000;  // what an object's expression may have
#endif

TEST(HostileTest, TenKilobytesOfNestingAreReadOrRefused) {
  const std::string cases[] = {
      nested("(", "1", ")", limit),
      "1" + repeated("+1", limit - 1),
      repeated("- ", limit) + "1",
      repeated("NOT ", limit) + "a",
      nested("f(", "1", ")", limit),
      nested("1+(", "1", ")", limit),
      "a" + nested("[a", "", "]", limit),
      nested("a[", "1", "]", limit),
      "1" + repeated("::x", limit),
      "a" + repeated(" IS NULL", limit),
      "a" + repeated(" AND a", limit),
      "a" + nested(" OR(a AND b", "", ")", limit),
      nested("CASE WHEN a THEN ", "1", " END", limit),
      "a" + repeated(" COLLATE c", limit),
      nested("(SELECT ", "1", ")", limit),
      nested("(SELECT 1 UNION ", "SELECT 1", ")", limit),
      nested("EXISTS(SELECT ", "1", ")", limit),
      nested("(WITH a AS (", "SELECT 1", ") SELECT 1)", limit),
      nested("(SELECT 1 FROM ", "a", " x)", limit),
      "(SELECT 1" + repeated(" UNION SELECT 1,2", limit) + ")",
      "(SELECT 1 FROM a" + repeated(" JOIN a ON b", limit) + ")",
      "ARRAY" + nested("[", "", "]", limit),
      "a" + repeated(".a", limit),
      "(a)" + repeated(".a", limit),
      repeated("a||", limit) + "a",
      nested("ROW(", "", ")", limit),
      "(" + repeated("a,", limit) + "a)",
      repeated("/*", limit),
      nested("/*", "", "*/", limit),
      repeated("'", limit),
      repeated("\"\"", limit),
      repeated("$$", limit),
      repeated(";", limit),
      repeated("\\", limit),
      repeated("U&'\\", limit),
  };
  for (const auto& text : cases) {
    const auto found = expression(text);
    if (!found.ok()) {
      EXPECT_EQ(found.error().code, base::ErrorCode::invalid) << text.substr(0, 40);
      EXPECT_LT(found.error().text().size(), 1'000U) << text.substr(0, 40);
    }
    (void)type_name(text);
    (void)retarget("CREATE INDEX i ON t ((" + text + "))", {.name = "j", .columns = {{"a", "b"}}});
  }
}

TEST(HostileTest, LongButOrdinaryExpressionsAreRead) {
  EXPECT_TRUE(expression("1" + repeated("+1", limit - 2)).ok());
  EXPECT_TRUE(expression("a" + repeated(" OR a = 'x'", limit)).ok());
  EXPECT_TRUE(expression("a" + repeated("||a", limit)).ok());
  std::string values;
  for (int i = 0; i < 5'000; ++i) values += "(1, 'two', f(3)), ";
  EXPECT_TRUE(statements("INSERT INTO t VALUES " + values + "(1, 2, 3)").ok());
}

TEST(HostileTest, NestingBeyondTheLimitIsRefusedBeforeParsing) {
  const auto result = statements("SELECT 1" + repeated("+1", 200'000));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().reason, "CannotJudge");
  EXPECT_EQ(result.error().code, base::ErrorCode::invalid);
}

TEST(HostileTest, BytesThatAreNoTextAreRefused) {
  using std::string_view_literals::operator""sv;
  for (const auto text : {"a\0b"sv, "\0"sv, "\xff"sv, "'\xc3'"sv, "\"\xe2\x98\""sv, "\xc0\x80"sv,
                          "\xed\xa0\x80"sv, "\xf4\x90\x80\x80"sv, "a\xf0\x9f"sv}) {
    const auto result = expression(text);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, base::ErrorCode::invalid);
  }
  EXPECT_TRUE(expression("'\xf0\x9f\x90\x98'").ok());
}

TEST(HostileTest, TextBeyondAMegabyteIsRefused) {
  const auto result = expression("'" + std::string(2'000'000, 'x') + "'");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, base::ErrorCode::invalid);
}

TEST(HostileTest, FourThreadsParseAtOnce) {
  std::vector<int> wrong(4);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([t, &wrong] {
        const std::string name = "c" + std::to_string(t);
        for (int i = 0; i < 300; ++i) {
          const auto good = rename_columns("a + f(b)", {{"a", name}});
          if (!good.ok() || good->text() != "\"" + name + "\" + f(b)") ++wrong[std::size_t(t)];
          if (expression("a +").ok()) ++wrong[std::size_t(t)];
          if (i == 0 && !expression("1" + repeated("+1", 2'000)).ok()) ++wrong[std::size_t(t)];
        }
      });
    }
  }
  EXPECT_EQ(wrong, std::vector<int>(4));
}

}  // namespace
}  // namespace lockkeeper::sql::parse
