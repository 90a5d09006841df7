// Habits that a program can check.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "tests/support/source_tree.h"

namespace lockkeeper::house {
namespace {

using support::SourceFile;

bool is_word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Whether the text holds the word, not as a part of another one.
bool holds_word(const std::string& text, const std::string& word) {
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const auto end = at + word.size();
    const bool starts = at == 0 || !is_word_character(text[at - 1]);
    const bool ends = end == text.size() || !is_word_character(text[end]);
    if (starts && ends) return true;
  }
  return false;
}

// "path holds word" for each word of the list that the file holds.
std::vector<std::string> words_in(const SourceFile& file, const std::vector<std::string>& words) {
  std::vector<std::string> found;
  for (const auto& word : words) {
    if (holds_word(file.text, word)) found.push_back(file.path + " holds " + word);
  }
  return found;
}

const std::vector<std::string> sleeps = {"sleep_for", "sleep_until", "usleep", "nanosleep"};
// Assembled, so that this file does not hold the words itself.
const std::vector<std::string> unfinished = {std::string("TO") + "DO", std::string("FIX") + "ME",
                                             std::string("XX") + "X"};

TEST(HabitsTest, OnlyTheClockSleeps) {
  for (const auto& file : support::source_files()) {
    if (file.path == "dbcore/base/clock.cc" || file.in("tests/house")) continue;
    EXPECT_EQ(words_in(file, sleeps), std::vector<std::string>{});
  }
}

TEST(HabitsTest, ASleepIsFound) {
  const SourceFile file{"x.cc", "a();\nstd::this_thread::sleep_for(1s);\n"};
  EXPECT_EQ(words_in(file, sleeps).size(), 1U);
}

TEST(HabitsTest, NoWordSaysThatSomethingIsUnfinished) {
  for (const auto& file : support::source_files()) {
    EXPECT_EQ(words_in(file, unfinished), std::vector<std::string>{});
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
