// Habits that a program can check.
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

#include "tests/support/source_tree.h"

namespace lockkeeper::house {
namespace {

using support::SourceFile;

// "path:line: text" for each line that matches, outside of the files whose paths start so.
std::vector<std::string> lines_with(const SourceFile& file, const std::regex& pattern) {
  std::vector<std::string> found;
  std::size_t number = 0;
  std::size_t start = 0;
  while (start < file.text.size()) {
    const auto end = std::min(file.text.find('\n', start), file.text.size());
    const std::string line = file.text.substr(start, end - start);
    ++number;
    start = end + 1;
    if (std::regex_search(line, pattern)) {
      found.push_back(file.path + ":" + std::to_string(number) + ": " + line);
    }
  }
  return found;
}

const std::regex& sleeps() {
  static const std::regex pattern(R"(\b(sleep_for|sleep_until|usleep|nanosleep)\s*\()");
  return pattern;
}

// Assembled, so that this file does not hold the words itself.
const std::regex& unfinished() {
  static const std::regex pattern(std::string(R"(\b(TO)") + "DO|FIX" + "ME|XX" + R"(X)\b)");
  return pattern;
}

TEST(HabitsTest, OnlyTheClockSleeps) {
  for (const auto& file : support::source_files()) {
    if (file.path == "dbcore/base/clock.cc" || file.in("tests/house")) continue;
    EXPECT_EQ(lines_with(file, sleeps()), std::vector<std::string>{});
  }
}

TEST(HabitsTest, ASleepIsFound) {
  const SourceFile file{"x.cc", "a();\nstd::this_thread::sleep_for(1s);\n"};
  EXPECT_EQ(lines_with(file, sleeps()).size(), 1U);
}

TEST(HabitsTest, NoWordSaysThatSomethingIsUnfinished) {
  for (const auto& file : support::source_files()) {
    EXPECT_EQ(lines_with(file, unfinished()), std::vector<std::string>{});
  }
}

TEST(HabitsTest, HeadersAreGuardedByPragmaOnce) {
  for (const auto& file : support::source_files()) {
    if (!file.path.ends_with(".h")) continue;
    EXPECT_NE(file.text.find("#pragma once"), std::string::npos) << file.path;
  }
}

TEST(HabitsTest, AFileHasOneSubject) {
  for (const auto& file : support::source_files()) {
    const auto lines = std::count(file.text.begin(), file.text.end(), '\n');
    EXPECT_LE(lines, 600) << file.path << ": does it have two subjects?";
  }
}

TEST(HabitsTest, TheCodeOfEachRoomIsInItsNamespace) {
  const std::vector<std::pair<std::string, std::string>> rooms = {
      {"dbcore/base", "base"},       {"dbcore/sql", "sql"},
      {"dbcore/catalog", "catalog"}, {"dbcore/plan", "plan"},
      {"dbcore/execute", "execute"}, {"dbcore/backfill", "backfill"},
      {"dbcore/engine", "engine"},   {"crds", "crds"},
      {"reconciler", "reconcile"},
  };
  for (const auto& file : support::source_files()) {
    for (const auto& [folder, name] : rooms) {
      if (!file.in(folder) || !file.path.ends_with(".h")) continue;
      EXPECT_NE(file.text.find("namespace lockkeeper::" + name), std::string::npos) << file.path;
    }
  }
}

}  // namespace
}  // namespace lockkeeper::house
