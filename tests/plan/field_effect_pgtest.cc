// A field of an operation that changes nothing is not in the CRD yet: in the stories of
// tests/golden/plan each value is taken out or made another, one at a time, and the plan must
// differ or be refused. Every field of the CRD's operations must be found so.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "crds/field_list.h"
#include "crds/json.h"
#include "crds/migration.h"
#include "crds/operation_codec.h"
#include "tests/plan/plan_lab.h"
#include "tests/support/paths.h"
#include "tests/support/process.h"

namespace lockkeeper::plan {
namespace {

namespace fs = std::filesystem;
using support::read_file;
using Json = nlohmann::json;

constexpr std::string_view root = "spec.operations[]";

std::set<std::string> words_of(const std::string& text) {
  std::stringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

// /0/createIndex/columns/1/name is spec.operations[].createIndex.columns[].name, and the last
// number is left out: spec.operations[].createIndex.include.
std::string field_of(const std::string& pointer) {
  std::string field = "spec.operations";
  std::stringstream in(pointer.substr(1));
  for (std::string part; std::getline(in, part, '/');) {
    const bool index = part.find_first_not_of("0123456789") == std::string::npos;
    field += index ? "[]" : "." + part;
  }
  return field;
}

// What the plan is, or why there is none.
std::string outcome(Lab& lab, const Json& operations, const std::set<std::string>& allow) {
  std::vector<Operation> decoded;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    auto one = crds::decode_operation(operations[i], fmt::format("spec.operations[{}]", i));
    if (!one.ok()) return one.error().text();
    decoded.push_back(std::move(*one));
  }
  const auto plan = lab.plan(decoded, allow);
  return plan.ok() ? plan->hash : plan.error().text();
}

Json other(const Json& value) {
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number()) return value.get<int>() + 1;
  return value.get<std::string>() + "x";
}

// The same operations with one value out, and with one value changed.
std::vector<Json> variants(const Json& operations, const Json::json_pointer& at) {
  Json changed = operations;
  changed[at] = other(operations[at]);
  Json without = operations;
  Json& parent = without[at.parent_pointer()];
  if (parent.is_object()) {
    parent.erase(at.back());
  } else {
    parent.erase(std::stoul(at.back()));
  }
  return {changed, without};
}

class FieldEffectTest : public testing::Test {
 protected:
  void play(const fs::path& story) {
    Lab lab(read_file(story / "schema.sql"));
    const auto allow = words_of(read_file(story / "allow"));
    const Json operations = Json::parse(read_file(story / "operations.json"));
    const auto before = outcome(lab, operations, allow);
    const Json values = operations.flatten();
    for (const auto& [pointer, value] : values.items()) {
      const auto field = field_of(pointer);
      if (value.is_structured() || effective_.contains(field)) continue;
      for (const auto& variant : variants(operations, Json::json_pointer(pointer))) {
        if (outcome(lab, variant, allow) != before) effective_.insert(field);
      }
    }
  }

  // A map's keys are below it.
  [[nodiscard]] bool is_effective(const std::string& field) const {
    const auto at = effective_.lower_bound(field);
    return at != effective_.end() && (*at == field || at->starts_with(field + "."));
  }

  std::set<std::string> effective_;
};

TEST_F(FieldEffectTest, EveryFieldOfAnOperationChangesAPlan) {
  for (const auto& entry : fs::directory_iterator(support::source_dir() / "tests/golden/plan")) {
    play(entry.path());
  }
  for (const auto& [field, facts] : crds::list_fields<crds::MigrationSpec>("spec")) {
    if (!field.starts_with(root) || facts.starts_with("object") || facts.starts_with("array")) {
      continue;
    }
    EXPECT_TRUE(is_effective(field)) << field << " (" << facts << ") changes no plan";
  }
}

}  // namespace
}  // namespace lockkeeper::plan
