#include "tests/reconciler/fake_world.h"

namespace lockkeeper::reconcile::testing {
namespace {

using namespace std::chrono_literals;

TEST(WayForward, a_plan_without_contract_runs_from_pending_to_completed) {
  Lab lab;
  lab.rollout->planned = plan_of("aaaa", false, false);
  ASSERT_TRUE(lab.until(Phase::completed)) << lab.status().message;
  EXPECT_EQ(lab.runner.started, (std::vector<std::string>{"expand", "contract"}));
  for (const auto type :
       {ConditionType::ready, ConditionType::planned, ConditionType::approved,
        ConditionType::expanded, ConditionType::switched, ConditionType::contracted}) {
    EXPECT_TRUE(lab.is_true(type)) << to_string(type);
  }
  EXPECT_EQ(lab.reason(ConditionType::switched), "NoGate");
  EXPECT_EQ(lab.reason(ConditionType::ready), "Completed");
  EXPECT_FALSE(lab.is_true(ConditionType::stalled));
  EXPECT_FALSE(lab.is_true(ConditionType::reconciling));
  EXPECT_EQ(lab.status().observed_generation, 1);
  EXPECT_EQ(lab.status().steps->progress, "4/4");
  EXPECT_TRUE(lab.status().completed_at);
  EXPECT_EQ(lab.status().until, crds::Until::contract);
}

TEST(WayForward, a_completed_migration_is_not_touched_again) {
  Lab lab;
  lab.rollout->planned = plan_of("aaaa", false, false);
  ASSERT_TRUE(lab.until(Phase::completed));
  const int writes = lab.cluster.status_writes;
  lab.rollout->unavailable = true;
  const Outcome outcome = lab.reconcile();
  EXPECT_EQ(outcome.status, nullptr);
  EXPECT_FALSE(outcome.requeue_after);
  EXPECT_EQ(lab.cluster.status_writes, writes);
}

TEST(WayForward, the_finalizer_and_the_start_are_on_the_object_before_the_ledger_is_touched) {
  Lab lab;
  for (int i = 0; i < 10 && !lab.rollout->record; ++i) {
    const bool marked = lab.m().metadata.has_finalizer(crds::finalizer) && lab.status().started_at;
    lab.reconcile();
    if (!lab.rollout->record) continue;
    EXPECT_TRUE(marked);
  }
  EXPECT_TRUE(lab.rollout->record);
}

TEST(WayForward, the_plan_stands_in_an_owned_config_map_and_its_hash_in_the_status) {
  Lab lab;
  lab.edit([](auto& spec) { spec.suspend = true; });
  ASSERT_TRUE(lab.until(Phase::planned));
  const Json& map = lab.cluster.at(Kind::config_map, "users-v2-plan");
  EXPECT_EQ(map["data"]["hash"], "aaaa");
  EXPECT_TRUE(map["data"].contains("plan.json"));
  EXPECT_EQ(map["metadata"]["ownerReferences"][0]["uid"], "uid-users-v2");
  EXPECT_EQ(lab.status().plan->hash, "aaaa");
  EXPECT_EQ(lab.status().plan->config_map, "users-v2-plan");
}

TEST(WayForward, without_a_switch_and_with_something_to_lose_it_waits_for_a_person) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch)) << lab.status().message;
  EXPECT_TRUE(lab.says("spec.until"));
  EXPECT_TRUE(lab.is_true(ConditionType::ready));
  EXPECT_EQ(lab.reason(ConditionType::ready), "ReadyToSwitch");
  EXPECT_EQ(lab.status().until, crds::Until::expand);
  EXPECT_TRUE(lab.is_true(ConditionType::expanded));
  lab.settle(5);
  EXPECT_EQ(lab.status().phase, Phase::ready_to_switch);
  lab.edit([](auto& spec) { spec.until = crds::Until::contract; });
  EXPECT_TRUE(lab.until(Phase::completed));
}

TEST(WayForward, raised_to_switch_it_waits_before_contract) {
  Lab lab;
  lab.edit([](auto& spec) { spec.until = crds::Until::switch_traffic; });
  ASSERT_TRUE(lab.until(Phase::awaiting_contract));
  EXPECT_EQ(lab.reason(ConditionType::ready), "AwaitingContract");
  EXPECT_TRUE(lab.is_true(ConditionType::ready));
  EXPECT_TRUE(lab.says("until"));
}

TEST(WayForward, contract_waits_for_its_time_counted_from_expanded) {
  Lab lab;
  lab.edit([](auto& spec) {
    spec.until = crds::Until::contract;
    spec.contract.after = std::chrono::hours(24);
  });
  ASSERT_TRUE(lab.until(Phase::awaiting_contract));
  EXPECT_TRUE(lab.says("contract.after"));
  ASSERT_TRUE(lab.status().contract_after);
  lab.settle(5);
  EXPECT_EQ(lab.status().phase, Phase::awaiting_contract);
  lab.clock.advance(24h);
  EXPECT_TRUE(lab.until(Phase::completed));
}

TEST(WayForward, contract_waits_for_sessions_of_the_old_version) {
  Lab lab;
  lab.rollout->clients = {{4711, "app", "shop-blue", "idle"}};
  lab.edit([](auto& spec) {
    spec.until = crds::Until::contract;
    spec.contract.drain.old_version = crds::SessionSelector{"shop-blue", ""};
  });
  ASSERT_TRUE(lab.until(Phase::awaiting_contract));
  EXPECT_TRUE(lab.says("4711"));
  EXPECT_EQ(lab.reason(ConditionType::ready), "DrainingOld");
  lab.settle(5);
  EXPECT_EQ(lab.status().phase, Phase::awaiting_contract);
  lab.rollout->clients.clear();
  EXPECT_TRUE(lab.until(Phase::completed));
}

TEST(WayForward, a_hazard_waits_for_its_hash) {
  Lab lab;
  lab.rollout->planned = plan_of("bbbb", true, false);
  ASSERT_TRUE(lab.until(Phase::awaiting_approval));
  EXPECT_TRUE(lab.says("bbbb"));
  EXPECT_EQ(lab.status().plan->hazards.size(), 1U);
  EXPECT_EQ(lab.reason(ConditionType::approved), "AwaitingApproval");
  lab.edit([](auto& spec) { spec.approval.plan_hash = "aaaa"; });
  lab.settle(3);
  EXPECT_EQ(lab.status().phase, Phase::awaiting_approval);
  lab.edit([](auto& spec) { spec.approval.plan_hash = "bbbb"; });
  ASSERT_TRUE(lab.until(Phase::completed));
  EXPECT_EQ(lab.status().approval->hash, "bbbb");
}

TEST(WayForward, approval_never_asks_and_always_asks) {
  Lab never;
  never.rollout->planned = plan_of("bbbb", true, false);
  never.edit([](auto& spec) { spec.safety.approval = crds::ApprovalPolicy::never; });
  EXPECT_TRUE(never.until(Phase::completed));
  Lab always;
  always.edit([](auto& spec) { spec.safety.approval = crds::ApprovalPolicy::always; });
  EXPECT_TRUE(always.until(Phase::awaiting_approval));
}

TEST(WayForward, drift_before_the_first_step_voids_the_approval_and_shows_the_difference) {
  Lab lab;
  lab.rollout->planned = plan_of("bbbb", true);
  ASSERT_TRUE(lab.until(Phase::awaiting_approval));
  lab.rollout->planned = plan_of("cccc", true);
  lab.edit([](auto& spec) { spec.approval.plan_hash = "bbbb"; });
  lab.settle(2);
  EXPECT_EQ(lab.status().phase, Phase::awaiting_approval);
  EXPECT_TRUE(lab.says("cccc"));
  EXPECT_TRUE(lab.told("PlanChanged"));
}

TEST(WayForward, an_impossible_plan_is_stalled_with_its_path_and_heals) {
  Lab lab;
  lab.rollout->plan_error =
      base::invalid("table users does not exist").with_path("spec.operations[0].addColumn.table");
  lab.settle(3);
  EXPECT_TRUE(lab.is_true(ConditionType::stalled));
  EXPECT_EQ(lab.reason(ConditionType::stalled), "InvalidPlan");
  EXPECT_TRUE(lab.says("spec.operations[0].addColumn.table"));
  EXPECT_FALSE(lab.rollout->record);
  lab.rollout->plan_error.reset();
  EXPECT_TRUE(lab.until(Phase::expanding));
  EXPECT_FALSE(lab.is_true(ConditionType::stalled));
}

TEST(WayForward, progress_is_shown_as_rows_percent_and_steps) {
  Lab lab;
  lab.jobs_end = false;
  ASSERT_TRUE(lab.until(Phase::expanding));
  lab.runner.progress.update([](execute::ProgressView& view) {
    view.step = "backfill-users";
    view.steps_done = 1;
    view.backfill = backfill::Progress{};
    view.backfill->rows_done = 410'000;
    view.backfill->rows_total = 1'000'000;
    view.backfill->rows_per_second = 84'123;
    view.backfill->remaining = std::chrono::seconds(7);
  });
  const Outcome outcome = lab.reconcile();
  EXPECT_EQ(lab.status().phase, Phase::backfilling);
  EXPECT_EQ(lab.status().progress, "41%");
  EXPECT_EQ(lab.status().steps->progress, "1/4");
  EXPECT_EQ(lab.status().steps->current, "backfill-users");
  EXPECT_EQ(lab.status().backfill->rows_per_second, 84'000);
  EXPECT_TRUE(lab.says("users: 410000 of 1000000 rows")) << lab.status().message;
  EXPECT_LE(*outcome.requeue_after, 500ms);
}

TEST(WayForward, a_blocker_is_named_and_the_phase_stays) {
  Lab lab;
  lab.jobs_end = false;
  ASSERT_TRUE(lab.until(Phase::expanding));
  lab.runner.progress.update([](execute::ProgressView& view) {
    view.step = "expand-users";
    view.activity = "waiting for a lock on users";
    execute::Blocker blocker;
    blocker.pid = 4711;
    blocker.user = "report";
    blocker.application_name = "nightly";
    blocker.query_age = std::chrono::seconds(93);
    view.blockers = {blocker};
  });
  lab.reconcile();
  EXPECT_EQ(lab.status().phase, Phase::expanding);
  ASSERT_EQ(lab.status().blockers.size(), 1U);
  EXPECT_EQ(lab.status().blockers[0].pid, 4711);
  EXPECT_TRUE(lab.says("4711"));
  EXPECT_TRUE(lab.says("Blocked (LockBlocked)"));
  EXPECT_EQ(lab.reason(ConditionType::ready), "LockBlocked");
  lab.runner.progress.update([](execute::ProgressView& view) { view.blockers.clear(); });
  lab.reconcile();
  EXPECT_TRUE(lab.status().blockers.empty());
  EXPECT_EQ(lab.reason(ConditionType::ready), "Expanding");
}

TEST(WayForward, a_row_that_fails_blocks_and_goes_on_when_it_is_mended) {
  Lab lab;
  lab.rollout->expand_error =
      base::precondition("division by zero").with_reason("RowFails").with_detail("key id=17");
  lab.settle(8);
  EXPECT_EQ(lab.reason(ConditionType::ready), "RowFails");
  EXPECT_TRUE(lab.says("id=17"));
  EXPECT_TRUE(lab.says("Blocked (RowFails)"));
  EXPECT_FALSE(lab.is_true(ConditionType::stalled));
  lab.rollout->expand_error.reset();
  EXPECT_TRUE(lab.until(Phase::ready_to_switch));
}

TEST(WayForward, a_lost_server_is_waited_for) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.rollout->unavailable = true;
  lab.reconcile();
  EXPECT_EQ(lab.reason(ConditionType::ready), "ServerUnavailable");
  EXPECT_EQ(lab.status().phase, Phase::ready_to_switch);
  lab.rollout->unavailable = false;
  lab.reconcile();
  EXPECT_TRUE(lab.is_true(ConditionType::ready));
}

TEST(WayForward, who_was_fenced_takes_over_only_after_a_lease) {
  Lab lab;
  lab.rollout->expand_error =
      base::precondition("another operator took over").with_reason("Fenced");
  ASSERT_TRUE(lab.until(Phase::expanding));
  lab.runner.finish();
  lab.reconcile();
  EXPECT_EQ(lab.reason(ConditionType::ready), "Fenced");
  lab.clock.advance(15s);
  lab.reconcile();
  EXPECT_FALSE(lab.runner.busy());
  lab.rollout->expand_error.reset();
  EXPECT_TRUE(lab.until(Phase::ready_to_switch));
  EXPECT_EQ(lab.rollout->adopted, 1);
}

TEST(WayForward, a_new_process_takes_over_before_it_goes_on) {
  Lab lab;
  lab.jobs_end = false;
  ASSERT_TRUE(lab.until(Phase::expanding));
  lab.runner.cancel("uid-users-v2");
  lab.runner.finish();
  lab.restart();
  lab.jobs_end = true;
  EXPECT_TRUE(lab.until(Phase::ready_to_switch));
  EXPECT_EQ(lab.rollout->adopted, 1);
}

TEST(WayForward, status_is_not_written_without_news) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.reconcile();
  const int writes = lab.cluster.status_writes;
  lab.settle(10);
  EXPECT_EQ(lab.cluster.status_writes, writes);
}

TEST(WayForward, drift_while_it_waits_is_blocked_with_the_difference_and_heals) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.rollout->drifted = engine::Drift{"- trigger ~lk_1"};
  lab.clock.advance(11s);
  lab.reconcile();
  EXPECT_EQ(lab.reason(ConditionType::ready), "Drift");
  EXPECT_TRUE(lab.says("- trigger ~lk_1"));
  lab.rollout->drifted.reset();
  lab.clock.advance(11s);
  lab.reconcile();
  EXPECT_TRUE(lab.is_true(ConditionType::ready));
}

TEST(WayForward, a_failed_expand_is_taken_back_by_itself) {
  Lab lab;
  lab.rollout->expand_error = base::invalid("operator does not exist").with_path("x");
  ASSERT_TRUE(lab.until(Phase::rolled_back)) << lab.status().message;
  EXPECT_EQ(lab.runner.started, (std::vector<std::string>{"expand", "rollback"}));
  EXPECT_EQ(lab.reason(ConditionType::rolled_back), "ExpandFailed");
  EXPECT_TRUE(lab.is_true(ConditionType::rolled_back));
  EXPECT_TRUE(lab.says("operator does not exist"));
}

TEST(WayForward, the_cause_of_an_automatic_rollback_survives_a_restart) {
  Lab lab;
  lab.rollout->expand_error = base::invalid("operator does not exist");
  ASSERT_TRUE(lab.until(Phase::rolling_back));
  lab.restart();
  ASSERT_TRUE(lab.until(Phase::rolled_back));
  EXPECT_TRUE(lab.says("operator does not exist"));
}

TEST(WayForward, throttle_values_that_change_reach_the_running_job) {
  Lab lab;
  lab.jobs_end = false;
  ASSERT_TRUE(lab.until(Phase::expanding));
  lab.edit([](auto& spec) {
    spec.backfill.max_rows_per_second = 10;
    spec.backfill.chunk_time = 120ms;
    spec.backfill.pause = 7ms;
    spec.backfill.max_replica_lag = 900ms;
    spec.safety.lock_timeout = 250ms;
  });
  lab.reconcile();
  ASSERT_EQ(lab.runner.cancelled, 1);
  lab.runner.finish();
  lab.reconcile();
  lab.reconcile();
  ASSERT_TRUE(lab.runner.busy());
  lab.runner.finish();
  const auto& tuning = lab.rollout->tuning;
  EXPECT_EQ(tuning.backfill.max_rows_per_second, 10);
  EXPECT_EQ(tuning.backfill.chunk_time, 120ms);
  EXPECT_EQ(tuning.backfill.pause, 7ms);
  EXPECT_EQ(tuning.backfill.max_replica_lag, 900ms);
  EXPECT_EQ(tuning.lock_timeout, 250ms);
}

}  // namespace
}  // namespace lockkeeper::reconcile::testing
