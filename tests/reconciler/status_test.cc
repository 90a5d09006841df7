// What the status says at each end, field by field; and when a write is refused.
#include "tests/reconciler/edits.h"
#include "tests/reconciler/fake_world.h"

namespace lockkeeper::reconcile::testing {
namespace {

void show_rows(Lab& lab, const std::string& step, std::int64_t done, std::int64_t total) {
  lab.runner.progress.update([&](execute::ProgressView& view) {
    view.step = step;
    view.backfill = backfill::Progress{.rows_done = done,
                                       .rows_total = total,
                                       .rows_per_second = 84'000,
                                       .remaining = std::chrono::seconds(7),
                                       .throttled = ""};
  });
}

TEST(Status, a_running_backfill_says_rows_rate_and_time_left) {
  Lab lab;
  lab.jobs_end = false;
  ASSERT_TRUE(lab.until(Phase::expanding));
  show_rows(lab, "backfill-users", 410'000, 1'000'000);
  lab.reconcile();
  EXPECT_EQ(lab.status().message, "users: 410000 of 1000000 rows, 84000 rows/s, done in about 10s");
  EXPECT_EQ(lab.status().progress, "41%");
  EXPECT_EQ(lab.status().phase, Phase::backfilling);
}

TEST(Status, verifying_counts_rows_without_calling_them_filled) {
  Lab lab;
  lab.rollout->planned.steps[2].verify.emplace().table.name = "users";
  lab.rollout->planned.steps[2].action.reset();
  lab.jobs_end = false;
  ASSERT_TRUE(lab.until(Phase::expanding));
  show_rows(lab, "backfill-users", 999'000, 1'000'000);
  lab.reconcile();
  show_rows(lab, "index-users", 160'863, 1'000'000);
  lab.reconcile();
  EXPECT_EQ(lab.status().backfill->rows_done, 1'000'000);
  EXPECT_EQ(lab.status().backfill->percent, 100);
  EXPECT_EQ(lab.status().progress, "100%");
  EXPECT_TRUE(lab.says("comparing users: 160863 of 1000000 rows"));
}

TEST(Status, completed_has_its_time_and_nothing_that_runs) {
  Lab lab;
  lab.rollout->planned = plan_of("aaaa", false, false);
  lab.jobs_end = false;
  ASSERT_TRUE(lab.until(Phase::expanding));
  show_rows(lab, "backfill-users", 500, 1'000);
  lab.reconcile();
  lab.jobs_end = true;
  ASSERT_TRUE(lab.until(Phase::completed));
  const auto& status = lab.status();
  EXPECT_TRUE(status.started_at && status.completed_at);
  EXPECT_GE(*status.completed_at, *status.started_at);
  EXPECT_EQ(status.steps->progress, "4/4");
  EXPECT_TRUE(status.steps->current.empty());
  EXPECT_EQ(status.progress, "100%");
  EXPECT_EQ(status.backfill->rows_done, 1'000);
  EXPECT_EQ(status.backfill->rows_per_second, 0);
  EXPECT_FALSE(status.backfill->estimated_end);
  EXPECT_TRUE(status.blockers.empty());
  EXPECT_EQ(status.plan->hash, "aaaa");
  EXPECT_EQ(status.until, crds::Until::contract);
  EXPECT_EQ(status.observed_generation, 1);
  EXPECT_EQ(status.message, "done: all of it is in place");
}

TEST(Status, rolled_back_has_its_time_and_no_condition_that_still_goes_back) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.edit(want_back);
  ASSERT_TRUE(lab.until(Phase::rolled_back));
  const auto& status = lab.status();
  EXPECT_TRUE(status.started_at && status.completed_at);
  EXPECT_EQ(status.steps->progress, "0/4");
  EXPECT_TRUE(status.progress.empty());
  EXPECT_FALSE(status.backfill);
  EXPECT_FALSE(status.contract_after);
  EXPECT_EQ(lab.reason(ConditionType::switched), "RolledBack");
  for (const auto type : {ConditionType::ready, ConditionType::reconciling, ConditionType::stalled,
                          ConditionType::expanded, ConditionType::switched}) {
    EXPECT_TRUE(status.conditions.is_false(type)) << to_string(type);
  }
}

TEST(Status, stalled_before_the_first_step_shows_no_plan_that_is_none) {
  Lab lab;
  lab.edit([](auto& spec) { spec.suspend = true; });
  ASSERT_TRUE(lab.until(Phase::planned));
  ASSERT_TRUE(lab.status().plan);
  lab.rollout->plan_error = base::invalid("spec.operations[0].addColumn.table: no table users");
  lab.reconcile();
  EXPECT_TRUE(lab.is_true(ConditionType::stalled));
  EXPECT_EQ(lab.reason(ConditionType::stalled), "InvalidPlan");
  EXPECT_FALSE(lab.status().plan);
  EXPECT_FALSE(lab.status().started_at);
  EXPECT_FALSE(lab.status().completed_at);
  EXPECT_TRUE(lab.says("spec.operations[0]"));
}

TEST(WriteRefused, is_said_on_the_object_and_the_write_is_tried_again) {
  Lab lab;
  const base::Error refused =
      base::precondition("configmaps is forbidden").with_reason("NamespaceNotOpened");
  Outcome outcome;
  for (int i = 0; i < 10 && outcome.writes.empty(); ++i) {
    auto decided = lab.reconciler->reconcile(lab.world(), lab.key);
    ASSERT_TRUE(decided.ok());
    outcome = *decided;
  }
  ASSERT_FALSE(outcome.writes.empty());
  const Outcome told = lab.reconciler->write_refused(lab.world(), lab.key, refused);
  EXPECT_TRUE(told.writes.empty());
  lab.cluster.carry_out(lab.key, told);
  EXPECT_EQ(lab.reason(ConditionType::ready), "NamespaceNotOpened");
  EXPECT_TRUE(lab.is_true(ConditionType::reconciling));
  EXPECT_TRUE(lab.says("configmaps is forbidden"));
  // The same again is no news.
  const Outcome again = lab.reconciler->write_refused(lab.world(), lab.key, refused);
  EXPECT_EQ(again.status, nullptr);
  EXPECT_TRUE(again.events.empty());
  auto retried = lab.reconciler->reconcile(lab.world(), lab.key);
  ASSERT_TRUE(retried.ok());
  EXPECT_FALSE(retried->writes.empty());
  lab.cluster.carry_out(lab.key, *retried);
  EXPECT_TRUE(lab.until(Phase::ready_to_switch));
}

TEST(WriteRefused, a_conflict_is_not_worth_a_word) {
  Lab lab;
  const Outcome told = lab.reconciler->write_refused(lab.world(), lab.key, base::conflict("moved"));
  EXPECT_EQ(told.status, nullptr);
  EXPECT_TRUE(told.uid.empty());
}

}  // namespace
}  // namespace lockkeeper::reconcile::testing
