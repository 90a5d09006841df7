// The first table of the design's small print: contract and the end.
#include "tests/reconciler/edits.h"
#include "tests/reconciler/fake_world.h"

namespace lockkeeper::reconcile::testing {
namespace {

class Contracting : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(lab.until(Phase::ready_to_switch));
    lab.jobs_end = false;
    lab.edit([](auto& spec) { spec.until = crds::Until::contract; });
    for (int i = 0; i < 10 && !lab.runner.busy(); ++i) lab.reconcile();
    ASSERT_TRUE(lab.runner.busy());
    lab.rollout->record->state = execute::State::contracting;
    lab.reconcile();
    ASSERT_EQ(lab.status().phase, Phase::contracting);
  }
  Lab lab;
};

// The job of contract compares the shapes once more before it takes anything away.
class VerifyingAgain : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(lab.until(Phase::ready_to_switch));
    lab.jobs_end = false;
    lab.edit([](auto& spec) { spec.until = crds::Until::contract; });
    for (int i = 0; i < 10 && !lab.runner.busy(); ++i) lab.reconcile();
    ASSERT_TRUE(lab.runner.busy());
    ASSERT_EQ(lab.rollout->record->state, execute::State::ready);
  }
  Lab lab;
};

TEST_F(VerifyingAgain, is_printed_as_awaiting_contract) {
  lab.reconcile();
  EXPECT_EQ(lab.status().phase, Phase::awaiting_contract);
  EXPECT_EQ(lab.reason(ConditionType::ready), "AwaitingContract");
  EXPECT_EQ(lab.condition(ConditionType::contracted), nullptr);
}

TEST_F(VerifyingAgain, a_rollback_asked_for_meanwhile_wins) {
  lab.edit(want_back);
  lab.reconcile();
  EXPECT_EQ(lab.status().phase, Phase::rolling_back);
  EXPECT_EQ(lab.runner.cancelled, 1);
  EXPECT_NE(lab.reason(ConditionType::rolled_back), "AfterContract");
  lab.jobs_end = true;
  ASSERT_TRUE(lab.until(Phase::rolled_back)) << lab.status().message;
  EXPECT_EQ(lab.runner.started.back(), "rollback");
}

TEST_F(VerifyingAgain, a_rollback_that_comes_too_late_is_refused) {
  lab.rollout->record->state = execute::State::contracting;
  lab.edit(want_back);
  lab.reconcile();
  EXPECT_EQ(lab.status().phase, Phase::contracting);
  EXPECT_EQ(lab.reason(ConditionType::rolled_back), "AfterContract");
  EXPECT_EQ(lab.runner.cancelled, 0);
}

TEST_F(VerifyingAgain, until_lowered_stops_it) {
  lab.edit([](auto& spec) { spec.until = crds::Until::expand; });
  lab.reconcile();
  EXPECT_EQ(lab.runner.cancelled, 1);
  lab.jobs_end = true;
  EXPECT_TRUE(lab.until(Phase::ready_to_switch));
}

TEST_F(VerifyingAgain, shapes_that_differ_are_shown_and_can_be_rolled_back) {
  lab.rollout->contract_error = base::precondition("2 rows differ").with_reason("VerifyFailed");
  lab.runner.finish();
  lab.reconcile();
  EXPECT_EQ(lab.status().phase, Phase::awaiting_contract);
  EXPECT_EQ(lab.reason(ConditionType::ready), "VerifyFailed");
  lab.jobs_end = true;
  lab.edit(want_back);
  EXPECT_TRUE(lab.until(Phase::rolled_back));
}

TEST_F(Contracting, rollback_is_refused_and_contract_goes_on) {
  lab.edit(want_back);
  lab.reconcile();
  EXPECT_EQ(lab.status().phase, Phase::contracting);
  EXPECT_EQ(lab.reason(ConditionType::rolled_back), "AfterContract");
  EXPECT_TRUE(lab.status().conditions.is_false(ConditionType::rolled_back));
  EXPECT_EQ(lab.runner.cancelled, 0);
  lab.jobs_end = true;
  EXPECT_TRUE(lab.until(Phase::completed));
  EXPECT_EQ(std::ranges::count(lab.cluster.events, "AfterContract"), 1);
}

TEST_F(Contracting, rollback_after_completed_is_refused) {
  lab.jobs_end = true;
  ASSERT_TRUE(lab.until(Phase::completed));
  lab.edit(want_back);
  lab.reconcile();
  EXPECT_EQ(lab.status().phase, Phase::completed);
  EXPECT_EQ(lab.reason(ConditionType::rolled_back), "AfterContract");
  EXPECT_TRUE(lab.is_true(ConditionType::ready));
  EXPECT_EQ(lab.status().observed_generation, lab.m().metadata.generation);
}

TEST_F(Contracting, suspend_holds_after_the_open_transaction) {
  lab.edit([](auto& spec) { spec.suspend = true; });
  lab.reconcile();
  lab.runner.finish();
  lab.settle(3);
  EXPECT_EQ(lab.status().phase, Phase::contracting);
  EXPECT_EQ(lab.reason(ConditionType::ready), "Suspended");
  EXPECT_FALSE(lab.runner.busy());
  lab.jobs_end = true;
  lab.edit([](auto& spec) { spec.suspend = false; });
  EXPECT_TRUE(lab.until(Phase::completed));
}

TEST_F(Contracting, a_closed_window_is_as_suspend) {
  lab.edit(close_window);
  lab.reconcile();
  lab.runner.finish();
  lab.settle(3);
  EXPECT_EQ(lab.reason(ConditionType::ready), "WindowClosed");
  EXPECT_FALSE(lab.runner.busy());
}

TEST_F(Contracting, a_deleted_object_finishes_contract_first) {
  lab.remove();
  lab.reconcile();
  EXPECT_EQ(lab.status().phase, Phase::contracting);
  EXPECT_TRUE(lab.says("contract finishes first"));
  lab.jobs_end = true;
  EXPECT_TRUE(lab.until_gone());
  EXPECT_EQ(lab.rollout->record->state, execute::State::completed);
}

TEST_F(Contracting, a_completed_object_is_gone_at_once) {
  lab.jobs_end = true;
  ASSERT_TRUE(lab.until(Phase::completed));
  lab.rollout->unavailable = true;
  lab.remove();
  EXPECT_TRUE(lab.until_gone(1));
}

TEST_F(Contracting, until_lowered_is_ignored_and_says_so) {
  lab.edit([](auto& spec) { spec.until = crds::Until::expand; });
  lab.reconcile();
  EXPECT_EQ(lab.status().phase, Phase::contracting);
  EXPECT_TRUE(lab.told("UntilIgnored"));
  lab.jobs_end = true;
  EXPECT_TRUE(lab.until(Phase::completed));
}

TEST_F(Contracting, approval_that_changes_is_ignored_with_an_event) {
  lab.edit(approve_other);
  lab.reconcile();
  EXPECT_EQ(lab.status().phase, Phase::contracting);
  EXPECT_TRUE(lab.told("ApprovalIgnored"));
}

}  // namespace
}  // namespace lockkeeper::reconcile::testing
