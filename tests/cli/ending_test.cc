#include "operator/cli/ending.h"

#include <gtest/gtest.h>

namespace lockkeeper::cli {
namespace {

using crds::ConditionStatus;
using crds::ConditionType;
using crds::Reason;

crds::Migration with(ConditionType type, bool value, Reason reason) {
  crds::Migration migration;
  migration.status.conditions.set(
      type, value ? ConditionStatus::is_true : ConditionStatus::is_false, reason, "", 1, {});
  return migration;
}

TEST(Ending, WorkGoesOn) {
  EXPECT_EQ(judge_apply({}, {}).ending, Ending::going);
  EXPECT_EQ(judge_apply(with(ConditionType::ready, false, Reason::backfilling), {}).ending,
            Ending::going);
  EXPECT_EQ(judge_apply(with(ConditionType::ready, false, Reason::lock_blocked), {}).ending,
            Ending::going);
}

TEST(Ending, ReadyToSwitchIsDoneOnlyForThoseWhoAskedForIt) {
  const auto ready = with(ConditionType::ready, true, Reason::ready_to_switch);
  EXPECT_EQ(judge_apply(ready, {}).ending, Ending::waiting);
  EXPECT_NE(judge_apply(ready, {}).hint.find("--until Contract"), std::string::npos);
  EXPECT_EQ(judge_apply(ready, crds::Until::expand).ending, Ending::done);
}

TEST(Ending, CompletedIsDone) {
  auto completed = with(ConditionType::ready, true, Reason::completed);
  completed.status.conditions.set(ConditionType::contracted, ConditionStatus::is_true,
                                  Reason::contracted, "", 1, {});
  EXPECT_EQ(judge_apply(completed, {}).ending, Ending::done);
  EXPECT_EQ(judge_rollback(completed).ending, Ending::failed);
}

TEST(Ending, ApprovalIsWaitedForByNobody) {
  auto asking = with(ConditionType::ready, false, Reason::awaiting_approval);
  asking.status.plan = crds::PlanStatus{};
  asking.status.plan->hash = "abc";
  const Judgement judgement = judge_apply(asking, {});
  EXPECT_EQ(judgement.ending, Ending::waiting);
  EXPECT_TRUE(judgement.at_once);
  EXPECT_NE(judgement.hint.find("--approve abc"), std::string::npos);
}

TEST(Ending, BlockedAndDrainingWaitForSomebody) {
  for (const Reason reason :
       {Reason::row_fails, Reason::draining_old, Reason::drift, Reason::window_closed}) {
    const Judgement judgement = judge_apply(with(ConditionType::ready, false, reason), {});
    EXPECT_EQ(judgement.ending, Ending::waiting) << to_string(reason);
    EXPECT_FALSE(judgement.at_once) << to_string(reason);
  }
}

TEST(Ending, ContractIsWaitedForOnlyUntilItsTime) {
  auto held = with(ConditionType::ready, false, Reason::awaiting_contract);
  const std::chrono::sys_seconds now{std::chrono::hours(1000)};
  held.status.contract_after = now + std::chrono::hours(1);
  EXPECT_EQ(judge_apply(held, {}, now).ending, Ending::waiting);
  held.status.contract_after = now;
  EXPECT_EQ(judge_apply(held, {}, now).ending, Ending::going);
}

TEST(Ending, StalledAndRolledBackAreFailuresOfApply) {
  EXPECT_EQ(judge_apply(with(ConditionType::stalled, true, Reason::invalid_plan), {}).ending,
            Ending::failed);
  const auto back = with(ConditionType::rolled_back, true, Reason::rolled_back);
  EXPECT_EQ(judge_apply(back, {}).ending, Ending::failed);
  EXPECT_EQ(judge_rollback(back).ending, Ending::done);
}

}  // namespace
}  // namespace lockkeeper::cli
