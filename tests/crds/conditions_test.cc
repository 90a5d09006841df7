#include "crds/conditions.h"

#include <gtest/gtest.h>

#include <set>

namespace lockkeeper::crds {
namespace {

constexpr auto early = std::chrono::sys_seconds(std::chrono::seconds(1'000));
constexpr auto late = std::chrono::sys_seconds(std::chrono::seconds(2'000));

TEST(Conditions, TheTransitionTimeStaysWhileTheStatusDoes) {
  Conditions conditions;
  conditions.set(ConditionType::ready, ConditionStatus::is_false, Reason::expanding, "a", 1, early);
  conditions.set(ConditionType::ready, ConditionStatus::is_false, Reason::backfilling, "b", 2,
                 late);
  const Condition* ready = conditions.find(ConditionType::ready);
  ASSERT_NE(ready, nullptr);
  EXPECT_EQ(ready->last_transition_time, early);
  EXPECT_EQ(ready->reason, "Backfilling");
  EXPECT_EQ(ready->message, "b");
  EXPECT_EQ(ready->observed_generation, 2);
  conditions.set(ConditionType::ready, ConditionStatus::is_true, Reason::completed, "", 2, late);
  EXPECT_EQ(conditions.find(ConditionType::ready)->last_transition_time, late);
}

TEST(Conditions, SayingTheSameAgainChangesNothing) {
  Conditions conditions;
  conditions.set(ConditionType::stalled, ConditionStatus::is_true, Reason::drift, "x", 1, early);
  const Conditions before = conditions;
  conditions.set(ConditionType::stalled, ConditionStatus::is_true, Reason::drift, "x", 1, late);
  EXPECT_EQ(conditions, before);
}

TEST(Conditions, StandInOneOrderHoweverTheyCame) {
  Conditions conditions;
  conditions.set(ConditionType::gate_open, ConditionStatus::is_true, Reason::no_gate, "", 1, early);
  conditions.set(ConditionType::ready, ConditionStatus::is_true, Reason::completed, "", 1, early);
  conditions.set(ConditionType::planned, ConditionStatus::is_true, Reason::planned, "", 1, early);
  ASSERT_EQ(conditions.all().size(), 3U);
  EXPECT_EQ(conditions.all()[0].type, ConditionType::ready);
  EXPECT_EQ(conditions.all()[1].type, ConditionType::planned);
  EXPECT_EQ(conditions.all()[2].type, ConditionType::gate_open);
  conditions.remove(ConditionType::planned);
  EXPECT_EQ(conditions.find(ConditionType::planned), nullptr);
  EXPECT_FALSE(conditions.is_true(ConditionType::planned));
  EXPECT_FALSE(conditions.is_false(ConditionType::planned));
}

TEST(Conditions, ALongMessageIsCutBetweenCharacters) {
  Conditions conditions;
  std::string message;
  while (message.size() < 40'000) message += "\xC3\xA4";
  conditions.set(ConditionType::ready, ConditionStatus::is_true, Reason::healthy, "x" + message, 1,
                 early);
  const std::string& kept = conditions.find(ConditionType::ready)->message;
  EXPECT_LE(kept.size(), 32'768U);
  EXPECT_EQ(kept.size() % 2, 1U);
}

TEST(Reasons, AreWordsThatDifferAndLeadBack) {
  std::set<std::string_view> seen;
  for (const Reason reason : all_reasons()) {
    const std::string_view word = to_string(reason);
    EXPECT_TRUE(seen.insert(word).second) << word;
    EXPECT_TRUE(word.front() >= 'A' && word.front() <= 'Z') << word;
    EXPECT_LE(word.size(), 63U) << word;
    EXPECT_FALSE(meaning(reason).empty()) << word;
    EXPECT_EQ(reason_from(word, Reason::internal_error), reason) << word;
  }
  EXPECT_EQ(reason_from("Unheard", Reason::step_failed), Reason::step_failed);
  EXPECT_EQ(reason_from("", Reason::step_failed), Reason::step_failed);
}

}  // namespace
}  // namespace lockkeeper::crds
