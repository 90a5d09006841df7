#include "crds/yaml.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lockkeeper::crds {
namespace {

Json one(std::string_view text) {
  const auto documents = parse_yaml(text);
  if (!documents.ok()) return "error: " + documents.error().text();
  if (documents->size() != 1) return "documents: " + std::to_string(documents->size());
  return *documents->front().value;
}

std::string problem(std::string_view text) {
  const auto documents = parse_yaml(text);
  return documents.ok() ? "accepted" : documents.error().message;
}

TEST(Yaml, ScalarsAreThoseOfTheCoreSchema) {
  const Json json = one(R"(
a: 1
b: "1"
c: '1'
d: true
e: yes
f: off
g: ~
h:
i: 1.5
j: 0x1F
k: 010
l: 1e3
m: .inf
n: 2026-11-22
o: !!str 1
p: |
  SELECT 1
  FROM t
q: 12:30
)");
  EXPECT_EQ(json, Json::parse(R"({"a": 1, "b": "1", "c": "1", "d": true, "e": "yes", "f": "off",
      "g": null, "h": null, "i": 1.5, "j": 31, "k": 10, "l": 1000.0, "m": ".inf",
      "n": "2026-11-22", "o": "1", "p": "SELECT 1\nFROM t\n", "q": "12:30"})"));
  EXPECT_TRUE(json["b"].is_string());
  EXPECT_TRUE(json["a"].is_number_integer());
}

TEST(Yaml, DocumentsAreTakenApartAndEmptyOnesLeftOut) {
  const auto documents = parse_yaml("---\na: 1\n---\n# nothing\n---\n{\"b\": [1, 2]}\n...\n");
  ASSERT_TRUE(documents.ok()) << documents.error().text();
  ASSERT_EQ(documents->size(), 2U);
  EXPECT_EQ(*documents->at(0).value, Json::parse(R"({"a": 1})"));
  EXPECT_EQ(*documents->at(1).value, Json::parse(R"({"b": [1, 2]})"));
  EXPECT_TRUE(parse_yaml("").value().empty());
  EXPECT_TRUE(parse_yaml("# only a comment\n").value().empty());
}

TEST(Yaml, AKeyGivenTwiceIsRefusedWithItsPlace) {
  EXPECT_EQ(problem("a: 1\nb: 2\na: 3\n"), "line 3, column 1: the key \"a\" is given twice");
  EXPECT_EQ(problem("a: {b: 1, \"b\": 2}"), "line 1, column 11: the key \"b\" is given twice");
}

TEST(Yaml, AStrayCommaEndsInsteadOfGoingOnForEver) {
  EXPECT_NE(problem(","), "accepted");
  EXPECT_NE(problem("a: 1\n---\n,\n"), "accepted");
  EXPECT_NE(problem("--- ,"), "accepted");
}

TEST(Yaml, AliasesAreCopiedWithinReason) {
  EXPECT_EQ(one("a: &x {k: [1]}\nb: *x\n"), Json::parse(R"({"a": {"k": [1]}, "b": {"k": [1]}})"));
  std::string bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 9; ++k) bomb += ", " + before;
    bomb += "]\n";
  }
  EXPECT_NE(problem(bomb).find("more than 100000 nodes"), std::string::npos);
  EXPECT_NE(problem("a: *nowhere\n"), "accepted");
  EXPECT_NE(problem("&a [*a]\n"), "accepted");
}

TEST(Yaml, WhatIsTooDeepOrTooLongIsRefused) {
  EXPECT_NE(problem(std::string(100, '[') + std::string(100, ']')), "accepted");
  EXPECT_NE(problem(std::string(100'000, '[')), "accepted");
  EXPECT_NE(problem(std::string(max_yaml_bytes + 1, 'a')), "accepted");
  EXPECT_NE(problem(std::string_view("a\0b", 3)), "accepted");
}

TEST(Yaml, TagsAndKeysThatJsonDoesNotKnowAreRefused) {
  EXPECT_NE(problem("a: !ruby/object x\n"), "accepted");
  EXPECT_NE(problem("a: !!set {x}\n"), "accepted");
  EXPECT_NE(problem("[1]: 2\n"), "accepted");
  EXPECT_NE(problem("{a: 1}: 2\n"), "accepted");
  EXPECT_NE(problem("a: [1\nb: 2\n"), "accepted");
}

}  // namespace
}  // namespace lockkeeper::crds
