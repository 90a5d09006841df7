#include "tests/reconciler/shop.h"

namespace lockkeeper::reconcile::testing {
namespace {

void want_back(crds::MigrationSpec& spec) {
  spec.rollback = true;
}

crds::CheckSpec http_check() {
  crds::CheckSpec check;
  check.http = crds::HttpCheck{};
  check.http->url = "http://shop.shop.svc/health";
  check.interval = 1s;
  check.failures = 3;
  return check;
}

TEST(Switch, the_whole_way_from_blue_to_green_and_contract) {
  Shop shop;
  ASSERT_TRUE(shop.until(Phase::completed)) << shop.status().message;
  EXPECT_EQ(shop.selected(), "green");
  EXPECT_EQ(shop.replicas("blue"), 0);
  EXPECT_EQ(shop.status().switch_status->active, crds::Colour::green);
  EXPECT_TRUE(shop.is_true(ConditionType::switched));
  EXPECT_EQ(shop.reason(ConditionType::switched), "Switched");
  EXPECT_TRUE(shop.is_true(ConditionType::contracted));
}

TEST(Switch, the_gate_stands_open_on_the_object_before_the_service_is_touched) {
  Shop shop;
  bool open = false;
  for (int i = 0; i < 60 && shop.selected() == "blue"; ++i) {
    open = shop.is_true(ConditionType::gate_open) && shop.is_true(ConditionType::expanded);
    shop.settle(1);
  }
  EXPECT_EQ(shop.selected(), "green");
  EXPECT_TRUE(open);
}

TEST(Switch, a_service_that_is_not_on_blue_is_stalled_before_the_first_step) {
  Shop shop;
  shop.point_at("green");
  shop.settle(3);
  EXPECT_EQ(shop.reason(ConditionType::stalled), "ServiceNotOnBlue");
  EXPECT_TRUE(shop.is_true(ConditionType::stalled));
  EXPECT_FALSE(shop.rollout->record);
  shop.point_at("blue");
  EXPECT_TRUE(shop.until(Phase::expanding));
}

TEST(Switch, green_is_scaled_to_blues_replicas_and_awaited) {
  Shop shop;
  shop.deployment("green", 1);
  shop.kubelet();
  bool waited = false;
  for (int i = 0; i < 60 && shop.selected() == "blue"; ++i) {
    shop.pass(shop.reconcile());
    if (shop.replicas("green") == 2 && !waited) {
      shop.reconcile();
      waited = shop.reason(ConditionType::ready) == "GreenNotReady" && shop.selected() == "blue";
      shop.kubelet();
    }
  }
  EXPECT_TRUE(waited);
  EXPECT_EQ(shop.selected(), "green");
}

TEST(Switch, green_is_held_at_zero_until_expanded_only_when_asked) {
  Shop shop;
  shop.edit([](auto& spec) { spec.switch_spec->blue_green.hold_green = true; });
  shop.jobs_end = false;
  ASSERT_TRUE(shop.until(Phase::expanding));
  EXPECT_EQ(shop.replicas("green"), 0);
  shop.jobs_end = true;
  ASSERT_TRUE(shop.until(Phase::baking));
  EXPECT_EQ(shop.replicas("green"), 2);
}

TEST(Switch, baking_begins_when_only_green_answers) {
  Shop shop;
  for (int i = 0; i < 60 && shop.selected() == "blue"; ++i) shop.pass(shop.reconcile());
  // The Service is patched, its slices still hold blue's pods.
  shop.pass(shop.reconcile());
  EXPECT_EQ(shop.status().phase, Phase::switching);
  EXPECT_TRUE(shop.says("0 of 2")) << shop.status().message;
  shop.kubelet();
  shop.reconcile();
  EXPECT_EQ(shop.status().phase, Phase::baking);
}

TEST(Switch, without_endpoints_of_green_the_service_goes_back) {
  Shop shop;
  for (int i = 0; i < 60 && shop.selected() == "blue"; ++i) shop.pass(shop.reconcile());
  for (int i = 0; i < 90 && shop.selected() == "green"; ++i) shop.pass(shop.reconcile());
  EXPECT_EQ(shop.selected(), "blue");
  EXPECT_EQ(shop.reason(ConditionType::gate_open), "BakeFailed");
}

TEST(Switch, the_phase_is_read_during_the_bake_once_a_second) {
  Shop shop;
  ASSERT_TRUE(shop.until(Phase::baking));
  EXPECT_LE(*shop.reconcile().requeue_after, 1s);
}

TEST(Switch, a_check_that_fails_three_times_switches_back_and_waits_for_a_person) {
  Shop shop;
  shop.edit([](auto& spec) { spec.switch_spec->checks = {http_check()}; });
  ASSERT_TRUE(shop.until(Phase::baking));
  shop.http.answer.status = 500;
  shop.settle(2);
  EXPECT_EQ(shop.selected(), "green");
  shop.settle(3);
  EXPECT_EQ(shop.selected(), "blue");
  EXPECT_EQ(shop.status().phase, Phase::ready_to_switch);
  EXPECT_EQ(shop.reason(ConditionType::gate_open), "BakeFailed");
  EXPECT_TRUE(shop.status().conditions.is_false(ConditionType::gate_open));
  EXPECT_TRUE(shop.told("SwitchedBack"));
  shop.http.answer.status = 200;
  shop.settle(20);
  EXPECT_EQ(shop.selected(), "blue") << "no second switch by itself";
  EXPECT_TRUE(shop.says("retry-switch"));
}

TEST(Switch, a_failed_bake_is_tried_again_when_the_annotation_gets_a_new_value) {
  Shop shop;
  shop.edit([](auto& spec) { spec.switch_spec->checks = {http_check()}; });
  ASSERT_TRUE(shop.until(Phase::baking));
  shop.http.answer.status = 500;
  shop.settle(6);
  ASSERT_EQ(shop.selected(), "blue");
  shop.m().metadata.annotations[std::string(crds::annotation::retry_switch)] = "1";
  ASSERT_TRUE(shop.until(Phase::baking));
  shop.settle(6);
  EXPECT_EQ(shop.selected(), "blue");
  EXPECT_EQ(shop.status().phase, Phase::ready_to_switch) << "the same value asks once";
  shop.http.answer.status = 200;
  shop.m().metadata.annotations[std::string(crds::annotation::retry_switch)] = "2";
  EXPECT_TRUE(shop.until(Phase::completed));
}

TEST(Switch, a_bake_does_not_end_before_each_check_has_passed) {
  Shop shop;
  auto check = http_check();
  check.interval = 10s;
  shop.edit([&](auto& spec) {
    spec.switch_spec->checks = {check};
    spec.switch_spec->bake = 1s;
  });
  shop.http.answer.status = 500;
  ASSERT_TRUE(shop.until(Phase::baking));
  shop.settle(5);
  EXPECT_EQ(shop.status().phase, Phase::baking);
  EXPECT_TRUE(shop.says("answered 500 instead of 200")) << shop.status().message;
  shop.http.answer.status = 200;
  EXPECT_TRUE(shop.until(Phase::awaiting_contract));
}

TEST(Switch, a_sql_check_that_gives_false_fails) {
  Shop shop;
  crds::CheckSpec check;
  check.sql = crds::SqlCheck{"SELECT false", false};
  check.interval = 1s;
  check.failures = 1;
  shop.edit([&](auto& spec) { spec.switch_spec->checks = {check}; });
  shop.rollout->answer = false;
  ASSERT_TRUE(shop.until(Phase::baking));
  shop.settle(1);
  EXPECT_EQ(shop.selected(), "blue");
  EXPECT_TRUE(shop.says("the query gave false"));
}

TEST(Switch, a_bake_behind_which_nobody_answers_fails) {
  Shop shop;
  ASSERT_TRUE(shop.until(Phase::baking));
  for (int i = 0; i < 15 && shop.selected() == "green"; ++i) {
    shop.cluster.at(Kind::endpoint_slice, "shop-1")["endpoints"] = Json::array();
    shop.pass(shop.reconcile());
  }
  EXPECT_EQ(shop.selected(), "blue");
}

TEST(Switch, traffic_that_moved_while_the_gate_was_closed_is_called_bypassed) {
  Shop shop;
  shop.edit([](auto& spec) { spec.until = crds::Until::expand; });
  ASSERT_TRUE(shop.until(Phase::ready_to_switch));
  shop.point_at("green");
  shop.kubelet();
  shop.reconcile();
  EXPECT_EQ(shop.reason(ConditionType::gate_open), "GateBypassed");
  EXPECT_TRUE(shop.told("GateBypassed"));
}

TEST(Switch, blue_is_scaled_down_after_its_delay_from_the_end_of_the_bake) {
  Shop shop;
  shop.edit([](auto& spec) { spec.until = crds::Until::switch_traffic; });
  ASSERT_TRUE(shop.until(Phase::awaiting_contract));
  shop.reconcile();
  EXPECT_EQ(shop.replicas("blue"), 2);
  shop.clock.advance(29s);
  shop.reconcile();
  EXPECT_EQ(shop.replicas("blue"), 2);
  shop.clock.advance(2s);
  shop.reconcile();
  EXPECT_EQ(shop.replicas("blue"), 0);
  EXPECT_EQ(shop.status().switch_status->blue_replicas, 2);
  EXPECT_TRUE(shop.is_true(ConditionType::ready));
  EXPECT_EQ(shop.reason(ConditionType::ready), "AwaitingContract");
}

TEST(Switch, contract_waits_for_the_last_pod_of_blue) {
  Shop shop;
  ASSERT_TRUE(shop.until(Phase::awaiting_contract));
  for (int i = 0; i < 20; ++i) shop.pass(shop.reconcile());  // pods do not end
  EXPECT_EQ(shop.replicas("blue"), 0);
  EXPECT_EQ(shop.status().phase, Phase::awaiting_contract);
  EXPECT_EQ(shop.reason(ConditionType::ready), "DrainingOld");
  EXPECT_TRUE(shop.says("shop-blue"));
  shop.kubelet();
  EXPECT_TRUE(shop.until(Phase::completed));
}

TEST(Switch, contract_after_is_counted_from_the_moment_of_the_switch) {
  Shop shop;
  shop.edit([](auto& spec) { spec.contract.after = 1h; });
  ASSERT_TRUE(shop.until(Phase::awaiting_contract));
  shop.reconcile();
  EXPECT_EQ(*shop.status().contract_after, *shop.status().switch_status->switched_at + 1h);
}

TEST(Switch, a_closed_namespace_is_told_with_its_own_reason) {
  Shop shop;
  shop.edit([](auto& spec) { spec.until = crds::Until::expand; });
  ASSERT_TRUE(shop.until(Phase::ready_to_switch));
  shop.cluster.forbidden = true;
  shop.reconcile();
  EXPECT_EQ(shop.reason(ConditionType::ready), "NamespaceNotOpened");
  shop.cluster.forbidden = false;
  shop.reconcile();
  EXPECT_TRUE(shop.is_true(ConditionType::ready));
}

// --- the column Switching, Baking, AwaitingContract of the design's small print ---

TEST(FromSwitchingToAwaitingContract, rollback_moves_the_traffic_back_first) {
  Shop shop;
  ASSERT_TRUE(shop.until(Phase::baking));
  shop.edit(want_back);
  ASSERT_TRUE(shop.until(Phase::rolled_back)) << shop.status().message;
  EXPECT_EQ(shop.selected(), "blue");
  EXPECT_EQ(shop.replicas("blue"), 2);
  EXPECT_EQ(shop.replicas("green"), 0);
  EXPECT_EQ(shop.runner.started, (std::vector<std::string>{"expand", "rollback"}));
}

TEST(FromSwitchingToAwaitingContract, rollback_raises_a_blue_that_was_scaled_down) {
  Shop shop;
  shop.edit([](auto& spec) { spec.until = crds::Until::switch_traffic; });
  ASSERT_TRUE(shop.until(Phase::awaiting_contract));
  shop.settle(10);
  ASSERT_EQ(shop.replicas("blue"), 0);
  shop.edit(want_back);
  shop.reconcile();
  EXPECT_EQ(shop.replicas("blue"), 2);
  shop.reconcile();
  EXPECT_EQ(shop.selected(), "green") << "blue is not ready yet";
  EXPECT_EQ(shop.reason(ConditionType::ready), "BlueNotReady");
  shop.kubelet();
  ASSERT_TRUE(shop.until(Phase::rolled_back));
  EXPECT_EQ(shop.selected(), "blue");
}

TEST(FromSwitchingToAwaitingContract, suspend_holds_but_a_failing_check_still_switches_back) {
  Shop shop;
  shop.edit([](auto& spec) { spec.switch_spec->checks = {http_check()}; });
  ASSERT_TRUE(shop.until(Phase::baking));
  shop.edit([](auto& spec) { spec.suspend = true; });
  shop.clock.advance(10min);
  shop.settle(3);
  EXPECT_EQ(shop.status().phase, Phase::baking);
  EXPECT_EQ(shop.reason(ConditionType::ready), "Suspended");
  shop.http.answer.status = 500;
  shop.settle(5);
  EXPECT_EQ(shop.selected(), "blue");
}

TEST(FromSwitchingToAwaitingContract, suspend_holds_contract_and_the_scale_down) {
  Shop shop;
  ASSERT_TRUE(shop.until(Phase::awaiting_contract));
  shop.edit([](auto& spec) { spec.suspend = true; });
  shop.clock.advance(1h);
  shop.settle(5);
  EXPECT_EQ(shop.replicas("blue"), 2);
  EXPECT_EQ(shop.status().phase, Phase::awaiting_contract);
  EXPECT_EQ(shop.reason(ConditionType::ready), "Suspended");
}

TEST(FromSwitchingToAwaitingContract, in_a_closed_window_the_bake_goes_on_but_no_contract) {
  Shop shop;
  ASSERT_TRUE(shop.until(Phase::baking));
  shop.edit([](auto& spec) { spec.windows = {{"0 0 * * *", std::chrono::minutes(1), "UTC"}}; });
  ASSERT_TRUE(shop.until(Phase::awaiting_contract));
  shop.settle(20);
  EXPECT_EQ(shop.status().phase, Phase::awaiting_contract);
  EXPECT_EQ(shop.reason(ConditionType::ready), "WindowClosed");
}

TEST(FromSwitchingToAwaitingContract, a_deleted_object_is_rolled_back_then_gone) {
  Shop shop;
  ASSERT_TRUE(shop.until(Phase::baking));
  shop.remove();
  EXPECT_TRUE(shop.until_gone());
  EXPECT_EQ(shop.selected(), "blue");
  EXPECT_EQ(shop.rollout->record->state, execute::State::rolled_back);
}

TEST(FromSwitchingToAwaitingContract, until_lowered_stops_before_contract) {
  Shop shop;
  ASSERT_TRUE(shop.until(Phase::baking));
  shop.edit([](auto& spec) { spec.until = crds::Until::expand; });
  ASSERT_TRUE(shop.until(Phase::awaiting_contract));
  shop.settle(10);
  EXPECT_EQ(shop.status().phase, Phase::awaiting_contract);
  EXPECT_TRUE(shop.is_true(ConditionType::ready));
}

TEST(FromSwitchingToAwaitingContract, approval_that_changes_is_ignored_with_an_event) {
  Shop shop;
  ASSERT_TRUE(shop.until(Phase::baking));
  shop.edit([](auto& spec) { spec.approval.plan_hash = "ffff"; });
  shop.reconcile();
  EXPECT_EQ(shop.status().phase, Phase::baking);
  EXPECT_TRUE(shop.told("ApprovalIgnored"));
}

TEST(FromSwitchingToAwaitingContract, a_restart_goes_on_where_the_status_says) {
  Shop shop;
  ASSERT_TRUE(shop.until(Phase::baking));
  const auto at = shop.status().switch_status->switched_at;
  shop.restart();
  shop.reconcile();
  EXPECT_EQ(shop.status().switch_status->switched_at, at);
  EXPECT_TRUE(shop.until(Phase::completed));
}

}  // namespace
}  // namespace lockkeeper::reconcile::testing
