#include "crds/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lockkeeper::crds {
namespace {

std::string problem(std::string_view text) {
  const auto parsed = parse_json(text);
  return parsed.ok() ? "accepted" : parsed.error().message;
}

TEST(Json, AKeyGivenTwiceIsRefused) {
  EXPECT_EQ(problem(R"({"a": {"b": 1, "b": 2}})"), "the key \"b\" is given twice");
  EXPECT_EQ(problem(R"({"a": {"b": 1}, "c": {"b": 2}})"), "accepted");
}

TEST(Json, TooDeepAndBrokenTextIsRefused) {
  EXPECT_EQ(problem(std::string(65, '[') + std::string(65, ']')), "nested deeper than 64");
  EXPECT_EQ(problem(std::string(64, '[') + std::string(64, ']')), "accepted");
  EXPECT_EQ(problem("{\"a\": "), "not valid JSON at byte 7");
  EXPECT_NE(problem("{} {}"), "accepted");
  EXPECT_NE(problem("\"\xff\""), "accepted");
}

}  // namespace
}  // namespace lockkeeper::crds
