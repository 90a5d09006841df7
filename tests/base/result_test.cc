#include "dbcore/base/result.h"

#include <gtest/gtest.h>

#include <string>

namespace lockkeeper::base {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return invalid("odd number");
  return n / 2;
}

Result<int> quarter(int n) {
  TRY(const int h, half(n));
  return half(h);
}

TEST(ResultTest, TryHandsTheValueOn) {
  EXPECT_EQ(quarter(12).value(), 3);
}

TEST(ResultTest, TryReturnsTheFirstError) {
  const auto result = quarter(6);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::invalid);
  EXPECT_EQ(result.error().message, "odd number");
}

TEST(ErrorTest, TextSaysPathMessageStateDetailAndHint) {
  Error error =
      invalid("type \"flot\" does not exist").with_path("spec.operations[0].addColumn.type");
  error.sqlstate = "42704";
  error.hint = "write an existing type";
  EXPECT_EQ(error.text(),
            "spec.operations[0].addColumn.type: type \"flot\" does not exist (SQLSTATE 42704); "
            "hint: write an existing type");
}

}  // namespace
}  // namespace lockkeeper::base
