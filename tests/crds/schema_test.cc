// Holds the CRDs and the types against each other, field by field, both ways.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "crds/duration.h"
#include "crds/field_list.h"
#include "crds/migration.h"
#include "crds/shapes.h"
#include "crds/yaml.h"
#include "tests/support/paths.h"

namespace lockkeeper::crds {
namespace {

Json read_crd(const std::string& plural) {
  std::ifstream file(support::source_dir() / "crds/yaml" / (plural + ".yaml"));
  std::stringstream text;
  text << file.rdbuf();
  return *parse_yaml(text.str()).value().at(0).value;
}

Json schema_of(const Json& crd) {
  return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
}

std::string as_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// Rules that are not said by another attribute already.
struct Rules {
  int count = 0;
  std::string bytes;
  std::string duration;
};

std::string duration_range(const std::string& rule) {
  const auto quoted = [&](std::string_view before) -> std::string {
    const auto at = rule.find(before);
    if (at == std::string::npos) return "0s";
    const auto begin = at + before.size();
    const auto text = rule.substr(begin, rule.find('\'', begin) - begin);
    return format_duration(parse_duration(text).value());
  };
  return quoted("duration(self) >= duration('") + ".." + quoted("duration(self) <= duration('");
}

Rules rules_of(const Json& schema) {
  Rules rules;
  const Json items = schema.value("x-kubernetes-validations", Json::array());
  for (const Json& item : items) {
    const std::string rule = item["rule"];
    EXPECT_TRUE(item.contains("message")) << rule;
    if (rule.starts_with("size(bytes(self))")) {
      rules.bytes = rule;
    } else if (rule.starts_with("duration(self)")) {
      rules.duration = duration_range(rule);
    } else {
      ++rules.count;
    }
  }
  return rules;
}

std::string attribute(const Json& schema, const char* name) {
  return schema.contains(name) ? fmt::format(" {}={}", name, as_text(schema[name])) : "";
}

std::string string_facts(const Json& schema, const Rules& rules) {
  if (schema.value("format", "") == "date-time") return "time";
  if (!rules.duration.empty()) {
    EXPECT_EQ(schema["pattern"], std::string(shapes::duration.pattern));
    EXPECT_EQ(schema["maxLength"], 32);
    return "duration " + rules.duration;
  }
  std::string facts = "string";
  if (schema.contains("enum")) {
    std::vector<std::string> names = schema["enum"];
    facts += fmt::format(" enum={}", fmt::join(names, ","));
  }
  facts += attribute(schema, "minLength") + attribute(schema, "maxLength");
  facts += attribute(schema, "pattern");
  return rules.bytes.empty() ? facts : facts + " rule=" + rules.bytes;
}

std::string integer_facts(const Json& schema) {
  std::string facts = "integer" + attribute(schema, "minimum") + attribute(schema, "maximum");
  if (schema["format"] == "int32" && !schema.contains("maximum")) facts += " format=int32";
  return facts;
}

std::string array_facts(const Json& schema) {
  EXPECT_TRUE(schema.contains("maxItems"));
  std::string facts = "array" + attribute(schema, "minItems") + attribute(schema, "maxItems");
  return schema.value("x-kubernetes-list-type", "") == "set" ? facts + " set" : facts;
}

std::string facts_of(const Json& schema, const Rules& rules) {
  const std::string type = schema["type"];
  if (type == "string") return string_facts(schema, rules);
  if (type == "integer") return integer_facts(schema);
  if (type == "array") return array_facts(schema);
  if (schema.contains("additionalProperties")) {
    return "parameters" + attribute(schema, "maxProperties") +
           attribute(schema["additionalProperties"], "maxLength");
  }
  return type;
}

std::string default_text(const Json& schema) {
  const Json& value = schema["default"];
  const bool duration = schema.value("pattern", "") == shapes::duration.pattern;
  return duration ? format_duration(parse_duration(as_text(value)).value()) : as_text(value);
}

void walk(const Json& schema, const std::string& path, bool required, FieldList& fields) {
  const Rules rules = rules_of(schema);
  std::string facts = facts_of(schema, rules);
  if (required) facts += " required";
  if (schema.contains("default") && path != "status") facts += " default=" + default_text(schema);
  if (rules.count > 0) facts += fmt::format(" rules={}", rules.count);
  fields[path] = facts;
  const std::vector<std::string> wanted = schema.value("required", std::vector<std::string>{});
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, property] : properties.items()) {
    const bool must = std::find(wanted.begin(), wanted.end(), name) != wanted.end();
    walk(property, path + "." + name, must, fields);
  }
  for (const std::string& name : wanted) {
    EXPECT_TRUE(schema["properties"].contains(name)) << path << " requires " << name;
  }
  if (schema.contains("items")) walk(schema["items"], path + "[]", false, fields);
}

template <typename T>
void expect_agreement(const std::string& plural, const std::string& part) {
  FieldList in_yaml;
  walk(schema_of(read_crd(plural))["properties"][part], part, false, in_yaml);
  const FieldList in_types = list_fields<T>(part);
  for (const auto& [path, facts] : in_types) {
    EXPECT_EQ(in_yaml.contains(path) ? in_yaml[path] : "no such field in the CRD", facts) << path;
  }
  for (const auto& [path, facts] : in_yaml) {
    EXPECT_TRUE(in_types.contains(path)) << path << " is in the CRD only";
  }
  EXPECT_GT(in_types.size(), 5U);
}

void expect_described(const Json& schema, const std::string& path) {
  const bool has_text = schema.contains("description") && !schema["description"].empty();
  EXPECT_TRUE(has_text || path.ends_with("[]") || path.ends_with(".metadata")) << path;
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, property] : properties.items()) {
    expect_described(property, path + "." + name);
  }
  if (schema.contains("items")) expect_described(schema["items"], path + "[]");
}

TEST(Schema, TheDatabaseOfTheCrdIsThatOfTheTypes) {
  expect_agreement<DatabaseSpec>("databases", "spec");
  expect_agreement<DatabaseStatus>("databases", "status");
}

TEST(Schema, TheMigrationOfTheCrdIsThatOfTheTypes) {
  expect_agreement<MigrationSpec>("migrations", "spec");
  expect_agreement<MigrationStatus>("migrations", "status");
}

TEST(Schema, EveryFieldHasADescription) {
  expect_described(schema_of(read_crd("databases")), "Database");
  expect_described(schema_of(read_crd("migrations")), "Migration");
}

TEST(Schema, WhatIsImmutableIsFrozenByARuleThatNamesTheField) {
  std::vector<std::string> frozen;
  const Json schema = schema_of(read_crd("migrations"));
  for (const Json& rule : schema["x-kubernetes-validations"]) {
    EXPECT_NE(rule["rule"].get<std::string>().find("oldSelf.status.startedAt"), std::string::npos);
    frozen.push_back(rule["fieldPath"]);
  }
  EXPECT_EQ(frozen, (std::vector<std::string>{".spec.databaseRef", ".spec.target",
                                              ".spec.operations", ".spec.exposure"}));
}

TEST(Schema, TheCrdsStayWellBelowWhatTheApiServerTakes) {
  EXPECT_LT(read_crd("migrations").dump().size(), 200'000U);
}

}  // namespace
}  // namespace lockkeeper::crds
