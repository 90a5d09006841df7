#include "reconciler/reason_words.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "tests/support/source_tree.h"

namespace lockkeeper::reconcile {
namespace {

// Every word that a lower room gives as Error::reason: on a line that speaks of a reason, or
// returned by the table of SQLSTATEs.
std::set<std::string> words_of_the_sources() {
  const std::regex by_name(R"rx((?:with_reason\(|reason = )"([A-Z][A-Za-z]+)")rx");
  const std::regex both(R"rx(reason = [^\n]*\? "([A-Z][A-Za-z]+)" : "([A-Z][A-Za-z]+)")rx");
  const std::regex returned(R"rx(return[^\n"]*"([A-Z][A-Za-z]+)")rx");
  const std::regex constant(R"rx(cursor_moved = "([A-Za-z]+)")rx");
  std::set<std::string> words;
  const auto gather = [&](const std::string& text, const std::regex& pattern) {
    for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
      for (std::size_t i = 1; i < it->size(); ++i) words.insert((*it)[i]);
    }
  };
  for (const auto& file : support::source_files()) {
    if (!file.in("dbcore") && !file.in("reconciler") && !file.in("operator")) continue;
    gather(file.text, by_name);
    gather(file.text, both);
    gather(file.text, constant);
    if (file.path == "dbcore/sql/failure.cc") gather(file.text, returned);
  }
  return words;
}

TEST(ReasonWords, each_word_of_a_lower_room_is_a_reason) {
  const auto words = words_of_the_sources();
  EXPECT_GE(words.size(), 30U) << "the sources are not read as they should be";
  EXPECT_TRUE(words.contains("DuplicateKeys") && words.contains("TooManyConnections"));
  for (const std::string& word : words) {
    EXPECT_TRUE(reason_of_word(word)) << word << ": add it to reconciler/reason_words.cc";
  }
}

TEST(ReasonWords, the_servers_database_is_not_ours) {
  EXPECT_EQ(reason_of_word("DatabaseNotFound"), crds::Reason::invalid_connection);
  EXPECT_EQ(reason_of_word("NoSuchSchema"), crds::Reason::no_such_schema);
  EXPECT_FALSE(reason_of_word("Unheard"));
  EXPECT_FALSE(reason_of_word(""));
}

}  // namespace
}  // namespace lockkeeper::reconcile
