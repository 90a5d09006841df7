// The first table of the design's small print, what a person may do and when: before the first DDL.
#include "tests/reconciler/edits.h"
#include "tests/reconciler/fake_world.h"

namespace lockkeeper::reconcile::testing {
namespace {

TEST(BeforeFirstDdl, rollback_is_rolled_back_at_once_with_no_step) {
  Lab lab;
  lab.edit(want_back);
  lab.reconcile();
  EXPECT_EQ(lab.status().phase, Phase::rolled_back);
  EXPECT_TRUE(lab.is_true(ConditionType::rolled_back));
  EXPECT_EQ(lab.status().steps->done, 0);
  EXPECT_TRUE(lab.runner.started.empty());
  EXPECT_FALSE(lab.rollout->record);
  for (const auto type :
       {ConditionType::ready, ConditionType::reconciling, ConditionType::stalled}) {
    EXPECT_TRUE(lab.status().conditions.is_false(type)) << to_string(type);
  }
}

TEST(BeforeFirstDdl, rollback_taken_back_stays_rolled_back) {
  Lab lab;
  lab.edit(want_back);
  lab.reconcile();
  lab.edit([](auto& spec) { spec.rollback = false; });
  lab.settle(3);
  EXPECT_EQ(lab.status().phase, Phase::rolled_back);
  EXPECT_EQ(lab.status().observed_generation, lab.m().metadata.generation);
  EXPECT_TRUE(lab.runner.started.empty());
}

TEST(BeforeFirstDdl, suspend_holds_and_says_so) {
  Lab lab;
  lab.edit([](auto& spec) { spec.suspend = true; });
  ASSERT_TRUE(lab.until(Phase::planned));
  lab.settle(5);
  EXPECT_EQ(lab.reason(ConditionType::ready), "Suspended");
  EXPECT_TRUE(lab.says("Paused (Suspended)"));
  EXPECT_FALSE(lab.rollout->record);
  lab.edit([](auto& spec) { spec.suspend = false; });
  EXPECT_TRUE(lab.until(Phase::ready_to_switch));
}

TEST(BeforeFirstDdl, a_closed_window_holds_until_it_opens) {
  Lab lab;
  lab.edit(close_window);
  ASSERT_TRUE(lab.until(Phase::planned));
  EXPECT_EQ(lab.reason(ConditionType::ready), "WindowClosed");
  EXPECT_TRUE(lab.says("2026-11-23T00:00:00Z")) << lab.status().message;
  lab.settle(3);
  EXPECT_FALSE(lab.rollout->record);
  lab.clock.set_wall(base::Clock::Wall(std::chrono::sys_days(std::chrono::year(2026) / 11 / 23)));
  EXPECT_TRUE(lab.until(Phase::expanding));
}

TEST(BeforeFirstDdl, a_deleted_object_is_gone) {
  Lab lab;
  lab.edit([](auto& spec) { spec.suspend = true; });
  lab.m().metadata.finalizers = {std::string(crds::finalizer)};
  lab.settle(3);
  lab.remove();
  EXPECT_TRUE(lab.until_gone(2));
  EXPECT_TRUE(lab.runner.started.empty());
}

TEST(BeforeFirstDdl, until_lowered_is_effective) {
  Lab lab;
  lab.rollout->planned = plan_of("aaaa", false, false);
  lab.edit([](auto& spec) { spec.until = crds::Until::expand; });
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.settle(5);
  EXPECT_EQ(lab.status().phase, Phase::ready_to_switch);
  EXPECT_EQ(lab.status().until, crds::Until::expand);
}

TEST(BeforeFirstDdl, approval_that_is_cleared_goes_back_to_awaiting_approval) {
  Lab lab;
  lab.rollout->planned = plan_of("bbbb", true);
  lab.edit([](auto& spec) {
    spec.approval.plan_hash = "bbbb";
    spec.suspend = true;
  });
  ASSERT_TRUE(lab.until(Phase::planned));
  EXPECT_TRUE(lab.is_true(ConditionType::approved));
  lab.edit([](auto& spec) { spec.approval.plan_hash = ""; });
  lab.settle(2);
  EXPECT_EQ(lab.status().phase, Phase::awaiting_approval);
  EXPECT_FALSE(lab.status().approval);
}

TEST(BeforeFirstDdl, an_edited_operation_gets_a_new_plan_and_hash) {
  Lab lab;
  lab.edit([](auto& spec) { spec.suspend = true; });
  ASSERT_TRUE(lab.until(Phase::planned));
  lab.edit([](auto& spec) { std::get<plan::AddColumn>(spec.operations[0]).column.type = "int"; });
  lab.rollout->planned = plan_of("cccc");
  lab.reconcile();
  EXPECT_EQ(lab.status().plan->hash, "cccc");
  EXPECT_EQ(lab.cluster.at(Kind::config_map, "users-v2-plan")["data"]["hash"], "cccc");
}

}  // namespace
}  // namespace lockkeeper::reconcile::testing
