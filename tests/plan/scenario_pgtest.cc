// Each folder of tests/golden/plan is a story: schema.sql, operations.json, and
//   plan.txt    the plan as text (UPDATE_GOLDEN=1 writes it)
//   early.sql   what the old version writes while the backfill has not run yet (optional)
//   old.sql     what the old version writes when both shapes are there (optional)
//   new.sql     what the new version writes then (optional)
//   read.sql    a query, and read.txt what it gives after contract (optional)
//   target.sql  how a person would have changed schema.sql by hand, without an application running
//   allow       words of safety.allow, one a line (optional)
// The steps are played until contract and compared with the target; and played until the last step
// before contract, undone and compared with the beginning.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "crds/json.h"
#include "crds/operation_codec.h"
#include "tests/plan/plan_lab.h"
#include "tests/support/paths.h"
#include "tests/support/process.h"

namespace lockkeeper::plan {
namespace {

namespace fs = std::filesystem;
using support::read_file;

fs::path stories() {
  return support::source_dir() / "tests/golden/plan";
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::stringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

// Columns that were added stand last, in whatever order the list had them: lines are compared as a
// set, without the commas between them.
std::string schema_lines(const std::string& dump) {
  auto lines = lines_of(dump);
  for (auto& line : lines) {
    if (!line.empty() && line.back() == ',') line.pop_back();
  }
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

class ScenarioTest : public testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] fs::path folder() const { return stories() / GetParam(); }
  [[nodiscard]] std::string text(const std::string& name) const {
    return read_file(folder() / name);
  }
  [[nodiscard]] bool has(const std::string& name) const { return fs::exists(folder() / name); }

  [[nodiscard]] std::vector<Operation> operations() const {
    const auto list = crds::parse_json(text("operations.json")).value();
    std::vector<Operation> out;
    for (std::size_t i = 0; i < list.size(); ++i) {
      out.push_back(
          crds::decode_operation(list[i], "spec.operations[" + std::to_string(i) + "]").value());
    }
    return out;
  }

  [[nodiscard]] std::set<std::string> allow() const {
    const auto words = lines_of(text("allow"));
    return {words.begin(), words.end()};
  }

  base::Result<Plan> plan(Lab& lab) const { return lab.plan(operations(), allow()); }

  void play(Lab& lab, const std::string& script) const {
    if (has(script)) lab.app(text(script));
  }

  void play_both(Lab& lab, const Plan& plan) const {
    lab.run(plan, Stage::expand);
    play(lab, "early.sql");
    lab.run(plan, Stage::verify);
    play(lab, "old.sql");
    play(lab, "new.sql");
  }
};

TEST_P(ScenarioTest, HasThePlanThatWasWrittenDown) {
  Lab lab(text("schema.sql"));
  const auto made = plan(lab);
  ASSERT_TRUE(made.ok()) << made.error().text();
  const auto shown = std::regex_replace(to_text(*made), std::regex("^plan [0-9a-f]+"), "plan HASH");
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(folder() / "plan.txt") << shown;
    return;
  }
  EXPECT_EQ(shown, text("plan.txt"));
}

TEST_P(ScenarioTest, EndsAsIfChangedByHand) {
  Lab lab(text("schema.sql"));
  const auto made = plan(lab);
  ASSERT_TRUE(made.ok()) << made.error().text();
  play_both(lab, *made);
  // What verify promised still holds after both versions wrote.
  for (const auto& step : made->steps) {
    if (step.verify) lab.run(step);
  }
  lab.run(*made, Stage::contract);
  Lab by_hand(text("schema.sql") + text("target.sql"));
  EXPECT_EQ(schema_lines(lab.dump()), schema_lines(by_hand.dump()));
  EXPECT_EQ(lab.sql("SELECT count(*) FROM pg_proc WHERE pronamespace = 'lockkeeper'::regnamespace"),
            "0");
  EXPECT_EQ(lab.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0");
  if (!has("read.sql")) return;
  const auto rows = lab.app(text("read.sql"));
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(folder() / "read.txt") << rows << "\n";
    return;
  }
  EXPECT_EQ(rows + "\n", text("read.txt"));
}

TEST_P(ScenarioTest, IsAsBeforeWhenUndone) {
  Lab lab(text("schema.sql"));
  const auto before = lab.dump();
  const auto made = plan(lab);
  ASSERT_TRUE(made.ok()) << made.error().text();
  const bool undoable = std::none_of(made->steps.begin(), made->steps.end(),
                                     [](const Step& step) { return step.irreversible; });
  if (!undoable) GTEST_SKIP() << "says that it cannot be undone";
  play_both(lab, *made);
  lab.undo(*made);
  EXPECT_EQ(lab.dump(), before);
}

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(stories())) {
    if (entry.is_directory()) out.push_back(entry.path().filename().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

INSTANTIATE_TEST_SUITE_P(Plan, ScenarioTest, testing::ValuesIn(names()),
                         [](const auto& story) { return story.param; });

}  // namespace
}  // namespace lockkeeper::plan
