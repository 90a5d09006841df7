// The first table of the design's small print: from Expanding to ReadyToSwitch.
#include "tests/reconciler/edits.h"
#include "tests/reconciler/shop.h"

namespace lockkeeper::reconcile::testing {
namespace {

TEST(FromExpandingToReadyToSwitch, rollback_stops_the_step_and_undoes) {
  Lab lab;
  lab.jobs_end = false;
  ASSERT_TRUE(lab.until(Phase::expanding));
  lab.edit(want_back);
  lab.reconcile();
  EXPECT_EQ(lab.status().phase, Phase::rolling_back);
  EXPECT_EQ(lab.runner.cancelled, 1);
  lab.jobs_end = true;
  lab.runner.finish();
  ASSERT_TRUE(lab.until(Phase::rolled_back));
  EXPECT_EQ(lab.runner.started, (std::vector<std::string>{"expand", "rollback"}));
  EXPECT_TRUE(lab.status().conditions.is_false(ConditionType::ready));
  EXPECT_TRUE(lab.status().conditions.is_false(ConditionType::reconciling));
  EXPECT_TRUE(lab.status().conditions.is_false(ConditionType::stalled));
}

TEST(FromExpandingToReadyToSwitch, rollback_waits_for_sessions_of_the_new_version) {
  Lab lab;
  lab.edit([](auto& spec) {
    spec.contract.drain.new_version =
        crds::SessionSelector{.application_name = "shop-green", .user = ""};
  });
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.rollout->clients = {{17, "app", "shop-green", "active"}};
  lab.edit(want_back);
  lab.settle(5);
  EXPECT_EQ(lab.status().phase, Phase::rolling_back);
  EXPECT_EQ(lab.reason(ConditionType::ready), "DrainingNew");
  EXPECT_TRUE(lab.says("pid 17"));
  EXPECT_EQ(lab.runner.started.size(), 1U);
  lab.rollout->clients.clear();
  EXPECT_TRUE(lab.until(Phase::rolled_back));
}

TEST(FromExpandingToReadyToSwitch, a_forced_rollback_waits_for_nobody) {
  Lab lab;
  lab.edit([](auto& spec) {
    spec.contract.drain.new_version = crds::SessionSelector{"shop-green", ""};
    spec.safety.force = {"rollback"};
  });
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.rollout->clients = {{17, "app", "shop-green", "active"}};
  lab.edit(want_back);
  EXPECT_TRUE(lab.until(Phase::rolled_back));
}

TEST(FromExpandingToReadyToSwitch, rollback_waits_for_pods_of_the_new_version) {
  Shop shop;
  shop.edit([](auto& spec) { spec.until = crds::Until::expand; });
  ASSERT_TRUE(shop.until(Phase::ready_to_switch));
  shop.edit(want_back);
  shop.reconcile();
  EXPECT_EQ(shop.status().phase, Phase::rolling_back);
  EXPECT_EQ(shop.replicas("green"), 0);
  shop.reconcile();
  EXPECT_EQ(shop.reason(ConditionType::ready), "DrainingNew");
  EXPECT_EQ(shop.runner.started.size(), 1U);
  shop.kubelet();
  EXPECT_TRUE(shop.until(Phase::rolled_back));
  EXPECT_EQ(shop.replicas("blue"), 2);
}

TEST(FromExpandingToReadyToSwitch, rolled_back_is_terminal_when_the_wish_is_taken_back) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.edit(want_back);
  ASSERT_TRUE(lab.until(Phase::rolled_back));
  lab.edit([](auto& spec) { spec.rollback = false; });
  lab.settle(5);
  EXPECT_EQ(lab.status().phase, Phase::rolled_back);
  EXPECT_EQ(lab.runner.started, (std::vector<std::string>{"expand", "rollback"}));
}

TEST(FromExpandingToReadyToSwitch, suspend_stops_the_job_and_resume_goes_on) {
  Lab lab;
  lab.jobs_end = false;
  ASSERT_TRUE(lab.until(Phase::expanding));
  lab.edit([](auto& spec) { spec.suspend = true; });
  lab.reconcile();
  EXPECT_EQ(lab.runner.cancelled, 1);
  lab.runner.finish();
  lab.settle(3);
  EXPECT_FALSE(lab.runner.busy());
  EXPECT_EQ(lab.reason(ConditionType::ready), "Suspended");
  EXPECT_EQ(lab.status().phase, Phase::expanding);
  lab.jobs_end = true;
  lab.edit([](auto& spec) { spec.suspend = false; });
  EXPECT_TRUE(lab.until(Phase::ready_to_switch));
}

TEST(FromExpandingToReadyToSwitch, suspend_lets_an_index_build_end) {
  Lab lab;
  lab.jobs_end = false;
  ASSERT_TRUE(lab.until(Phase::expanding));
  lab.runner.progress.update([](execute::ProgressView& view) { view.step = "index-users"; });
  lab.edit([](auto& spec) { spec.suspend = true; });
  lab.reconcile();
  EXPECT_EQ(lab.runner.cancelled, 0);
  EXPECT_EQ(lab.runner.cancelled_at_next_step, 1);
  lab.runner.progress.update([](execute::ProgressView& view) { view.step = "contract-1"; });
  lab.reconcile();
  EXPECT_EQ(lab.runner.cancelled, 1);
}

TEST(FromExpandingToReadyToSwitch, suspend_of_the_database_is_the_brake_for_all) {
  Lab lab;
  lab.jobs_end = false;
  ASSERT_TRUE(lab.until(Phase::expanding));
  lab.cluster.databases.at({"shop", "shop"}).spec.suspend = true;
  lab.reconcile();
  EXPECT_EQ(lab.runner.cancelled, 1);
  EXPECT_TRUE(lab.says("Database shop"));
}

TEST(FromExpandingToReadyToSwitch, a_closed_window_pauses_the_backfill) {
  Lab lab;
  lab.jobs_end = false;
  ASSERT_TRUE(lab.until(Phase::expanding));
  lab.runner.progress.update([](execute::ProgressView& view) { view.step = "backfill-users"; });
  lab.edit(close_window);
  lab.reconcile();
  EXPECT_EQ(lab.runner.cancelled, 1);
  EXPECT_EQ(lab.status().phase, Phase::backfilling);
  EXPECT_EQ(lab.reason(ConditionType::ready), "WindowClosed");
  lab.runner.finish();
  lab.settle(3);
  EXPECT_FALSE(lab.runner.busy());
}

TEST(FromExpandingToReadyToSwitch, rollback_ignores_windows) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.edit([](auto& spec) {
    close_window(spec);
    want_back(spec);
  });
  EXPECT_TRUE(lab.until(Phase::rolled_back));
}

TEST(FromExpandingToReadyToSwitch, a_deleted_object_is_rolled_back_then_gone) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.remove();
  EXPECT_TRUE(lab.until_gone());
  EXPECT_EQ(lab.runner.started, (std::vector<std::string>{"expand", "rollback"}));
  EXPECT_EQ(lab.rollout->record->state, execute::State::rolled_back);
}

TEST(FromExpandingToReadyToSwitch, until_lowered_stops_at_the_new_point) {
  Lab lab;
  lab.jobs_end = false;
  lab.edit([](auto& spec) { spec.until = crds::Until::contract; });
  ASSERT_TRUE(lab.until(Phase::expanding));
  lab.edit([](auto& spec) { spec.until = crds::Until::expand; });
  lab.jobs_end = true;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.settle(5);
  EXPECT_EQ(lab.status().phase, Phase::ready_to_switch);
}

TEST(FromExpandingToReadyToSwitch, approval_that_changes_is_ignored_with_an_event) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.edit(approve_other);
  lab.settle(3);
  EXPECT_EQ(lab.status().phase, Phase::ready_to_switch);
  EXPECT_EQ(lab.reason(ConditionType::approved), "ApprovalIgnored");
  EXPECT_TRUE(lab.is_true(ConditionType::approved));
  EXPECT_EQ(std::ranges::count(lab.cluster.events, "ApprovalIgnored"), 1);
}

TEST(FromExpandingToReadyToSwitch, an_operation_edited_in_a_race_leaves_the_frozen_plan) {
  Lab lab;
  lab.jobs_end = false;
  ASSERT_TRUE(lab.until(Phase::expanding));
  lab.edit([](auto& spec) { std::get<plan::AddColumn>(spec.operations[0]).column.type = "int"; });
  lab.jobs_end = true;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  EXPECT_EQ(lab.reason(ConditionType::stalled), "SpecChanged");
  EXPECT_TRUE(lab.is_true(ConditionType::stalled));
  EXPECT_EQ(lab.rollout->record->plan.hash, "aaaa");
}

TEST(FromExpandingToReadyToSwitch, an_edited_default_schema_does_not_lose_the_record) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.cluster.databases.at({"shop", "shop"}).spec.default_schema = "other";
  lab.settle(3);
  EXPECT_EQ(lab.status().phase, Phase::ready_to_switch);
  EXPECT_TRUE(lab.is_true(ConditionType::ready));
}

}  // namespace
}  // namespace lockkeeper::reconcile::testing
