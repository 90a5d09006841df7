// A field that nothing changes anything by is not in the CRD yet: each field of a spec must be
// named, beside the object that holds it, in one test outside of this folder. (The fields of
// operations are held to more: tests/plan/field_effect_pgtest.cc changes each and looks at the
// plan.)
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "crds/database.h"
#include "crds/field_list.h"
#include "crds/migration.h"
#include "tests/support/paths.h"

namespace lockkeeper::crds {
namespace {

// Every word of a text: keys of manifests and members of the types are among them.
std::set<std::string> words_in(const std::string& text) {
  std::set<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
      word += c;
    } else if (!word.empty()) {
      words.insert(std::exchange(word, {}));
    }
  }
  return words;
}

// The tests of a file; a file without any is one.
std::vector<std::string> tests_in(const std::string& text) {
  std::vector<std::string> tests;
  std::size_t start = 0;
  while (start != std::string::npos) {
    const std::size_t next = text.find("\nTEST", start + 1);
    tests.push_back(text.substr(start, next - start));
    start = next;
  }
  return tests;
}

std::vector<std::set<std::string>> all_tests() {
  std::vector<std::set<std::string>> tests;
  const auto root = support::source_dir() / "tests";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::string relative = std::filesystem::relative(entry.path(), root);
    const bool is_test = relative.ends_with(".cc") || relative.ends_with(".h") ||
                         relative.ends_with(".yaml") || relative.ends_with(".py");
    if (!entry.is_regular_file() || !is_test || relative.starts_with("crds/")) continue;
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    for (const std::string& test : tests_in(text.str())) tests.push_back(words_in(test));
  }
  return tests;
}

// A field's member, where it is not the same words with underscores.
std::string member_of(const std::string& field) {
  static const std::map<std::string, std::string> others = {{"old", "old_version"},
                                                            {"new", "new_version"},
                                                            {"default", "default_expression"},
                                                            {"switch", "switch_spec"},
                                                            {"requires", "required"}};
  if (const auto found = others.find(field); found != others.end()) return found->second;
  std::string member;
  for (const char c : field) {
    if (c >= 'A' && c <= 'Z') {
      member += fmt::format("_{}", static_cast<char>(c - 'A' + 'a'));
    } else {
      member += c;
    }
  }
  return member;
}

bool sets(const std::set<std::string>& words, const std::string& field) {
  return words.contains(field) || words.contains(member_of(field));
}

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  std::stringstream text(path);
  for (std::string part; std::getline(text, part, '.');) {
    parts.push_back(part.substr(0, part.find('[')));
  }
  return parts;
}

// exposure has one value only; sizing has one field, which tests give by its place.
const std::set<std::string> excused = {"spec.exposure", "spec.sizing.applicationInstances"};

void expect_covered(const FieldList& fields, const std::vector<std::set<std::string>>& tests) {
  for (const auto& [path, facts] : fields) {
    const std::vector<std::string> parts = split(path);
    if (path.ends_with("]") || facts.starts_with("object") || excused.contains(path)) continue;
    if (path.starts_with("spec.operations[]")) continue;
    const bool covered = std::any_of(tests.begin(), tests.end(), [&](const auto& words) {
      const bool below = parts.size() > 2;
      return sets(words, parts.back()) && (!below || sets(words, parts[parts.size() - 2]));
    });
    EXPECT_TRUE(covered) << path << " is set in no test";
  }
}

TEST(Coverage, EveryFieldOfASpecIsSetInATest) {
  const auto tests = all_tests();
  ASSERT_GT(tests.size(), 20U);
  expect_covered(list_fields<MigrationSpec>("spec"), tests);
  expect_covered(list_fields<DatabaseSpec>("spec"), tests);
}

TEST(Coverage, AFieldThatNobodySetsIsFound) {
  EXPECT_FALSE(sets(words_in("spec: {pause: 1s}"), "chunkTime"));
  EXPECT_TRUE(sets(words_in("spec: {chunkTime: 1s}"), "chunkTime"));
  EXPECT_TRUE(sets(words_in("spec.backfill.chunk_time = 1s"), "chunkTime"));
}

}  // namespace
}  // namespace lockkeeper::crds
