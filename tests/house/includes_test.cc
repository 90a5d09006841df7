// The direction of includes, and third parties behind their one adapter.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/source_tree.h"

namespace lockkeeper::house {
namespace {

using support::SourceFile;

// From the lowest floor up: a folder may include its own floor and those below.
const std::vector<std::vector<std::string>>& floors() {
  static const std::vector<std::vector<std::string>> list = {
      {"dbcore/base"}, {"dbcore/sql"},      {"dbcore/fence"},   {"dbcore/catalog"},
      {"dbcore/plan"}, {"dbcore/backfill"}, {"dbcore/execute"}, {"dbcore/engine"},
      {"crds"},        {"reconciler"},      {"operator"},       {"tests"}};
  return list;
}

std::optional<std::size_t> floor_of(const std::string& path) {
  for (std::size_t i = 0; i < floors().size(); ++i) {
    for (const auto& folder : floors()[i]) {
      if (path.rfind(folder + "/", 0) == 0) return i;
    }
  }
  return std::nullopt;
}

// "file includes what" for each include that goes up.
std::vector<std::string> wrong_turns(const SourceFile& file) {
  std::vector<std::string> found;
  const auto own = floor_of(file.path);
  for (const auto& include : file.includes(true)) {
    const auto other = floor_of(include);
    if (!own || !other || *other > *own) found.push_back(file.path + " includes " + include);
  }
  return found;
}

std::vector<std::string> users_of(const std::string& header_prefix) {
  std::vector<std::string> found;
  for (const auto& file : support::source_files()) {
    for (const auto& include : file.includes(false)) {
      if (include.rfind(header_prefix, 0) == 0) found.push_back(file.path);
    }
  }
  return found;
}

void expect_only(const std::string& header_prefix, const std::string& allowed_prefix) {
  for (const auto& path : users_of(header_prefix)) {
    EXPECT_EQ(path.rfind(allowed_prefix, 0), 0U) << path << " includes <" << header_prefix;
  }
}

TEST(IncludesTest, ArrowsNeverTurnBack) {
  ASSERT_GT(support::source_files().size(), 20U);
  for (const auto& file : support::source_files()) {
    EXPECT_EQ(wrong_turns(file), std::vector<std::string>{});
  }
}

TEST(IncludesTest, AFileThatIncludesAHigherRoomIsFound) {
  const SourceFile file{"dbcore/sql/pool.cc",
                        "#include \"dbcore/base/log.h\"\n#include \"dbcore/plan/step.h\"\n"};
  EXPECT_EQ(wrong_turns(file),
            std::vector<std::string>{"dbcore/sql/pool.cc includes dbcore/plan/step.h"});
}

TEST(IncludesTest, OwnHeadersAreNamedFromTheRoot) {
  const SourceFile file{"dbcore/sql/pool.cc", "#include \"session.h\"\n"};
  EXPECT_EQ(wrong_turns(file).size(), 1U);
}

TEST(IncludesTest, ThirdPartiesHaveOneAdapter) {
  expect_only("cpprest/", "operator/http/");
  expect_only("pplx/", "operator/http/");
  expect_only("pg_query", "dbcore/sql/parse");
  expect_only("protobuf-c/", "dbcore/sql/parse");
  expect_only("spdlog/", "dbcore/base/log.cc");
  expect_only("boost/beast", "operator/server/");
  expect_only("CLI/", "operator/");
}

TEST(IncludesTest, AHeaderWithTheWholeOfNlohmannIsForUnitsOnly) {
  for (const auto& heavy : users_of("nlohmann/json.hpp")) {
    if (!heavy.ends_with(".h")) continue;
    for (const auto& file : support::source_files()) {
      const auto own = file.includes(true);
      // A header of the tests is for their units only, whatever it includes.
      const bool passes_on =
          file.path.ends_with(".h") && !file.in("tests") && std::ranges::count(own, heavy) > 0;
      EXPECT_FALSE(passes_on) << file.path << " includes " << heavy
                              << ": there take nlohmann/json_fwd.hpp";
    }
  }
}

}  // namespace
}  // namespace lockkeeper::house
