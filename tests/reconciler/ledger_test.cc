// Identity, the queue, requires, and deletion when the world is not there.
#include "tests/reconciler/fake_world.h"

namespace lockkeeper::reconcile::testing {
namespace {

execute::Record record_of(Lab& lab, execute::State state) {
  execute::Record record;
  record.id = "old";
  record.identity = {"public", "shop/users-v2"};
  record.epoch = 7;
  record.plan = plan_of("aaaa");
  record.operations_hash = ops_hash(lab.m());
  record.state = state;
  record.created_at = lab.clock.wall();
  record.state_since = lab.clock.wall();
  return record;
}

void change_operation(crds::MigrationSpec& spec) {
  std::get<plan::AddColumn>(spec.operations[0]).column.name = "other";
}

TEST(Identity, the_same_operations_found_completed_are_adopted_without_ddl) {
  Lab lab;
  lab.rollout->record = record_of(lab, execute::State::completed);
  ASSERT_TRUE(lab.until(Phase::completed));
  EXPECT_TRUE(lab.runner.started.empty());
  EXPECT_EQ(lab.reason(ConditionType::contracted), "Adopted");
  EXPECT_TRUE(lab.is_true(ConditionType::ready));
}

TEST(Identity, other_operations_under_the_name_are_stalled) {
  for (const auto state : {execute::State::completed, execute::State::running}) {
    Lab lab;
    lab.rollout->record = record_of(lab, state);
    lab.edit(change_operation);
    lab.settle(3);
    EXPECT_EQ(lab.reason(ConditionType::stalled), "NameReused");
    EXPECT_TRUE(lab.is_true(ConditionType::stalled));
    EXPECT_TRUE(lab.runner.started.empty());
  }
}

TEST(Identity, a_name_that_was_rolled_back_may_be_used_again) {
  Lab lab;
  lab.rollout->record = record_of(lab, execute::State::rolled_back);
  lab.edit(change_operation);
  EXPECT_TRUE(lab.until(Phase::ready_to_switch)) << lab.status().message;
}

TEST(Identity, an_orphaned_record_is_taken_up_where_it_was) {
  Lab lab;
  lab.rollout->record = record_of(lab, execute::State::orphaned);
  EXPECT_TRUE(lab.until(Phase::ready_to_switch));
  EXPECT_GE(lab.rollout->adopted, 1);
}

TEST(Identity, a_lost_status_does_not_lose_the_work) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.status() = {};
  lab.restart();
  lab.reconcile();
  EXPECT_EQ(lab.status().phase, Phase::ready_to_switch);
  EXPECT_TRUE(lab.status().started_at);
}

TEST(Identity, a_ledger_that_knows_nothing_of_what_began_is_another_database) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.rollout->record.reset();
  lab.settle(3);
  EXPECT_EQ(lab.reason(ConditionType::ready), "WrongDatabase");
  EXPECT_EQ(lab.runner.started.size(), 1U);
}

TEST(Identity, a_takeover_that_finds_another_database_is_blocked) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::expanding));
  lab.runner.cancel("uid-users-v2");
  lab.runner.finish();
  lab.restart();
  lab.rollout->adopt_error = base::precondition("another database").with_reason("WrongDatabase");
  lab.settle(4);
  EXPECT_EQ(lab.reason(ConditionType::ready), "WrongDatabase");
  EXPECT_TRUE(lab.says("Blocked (WrongDatabase)"));
}

TEST(Start, a_table_claimed_between_question_and_start_is_waited_for) {
  Lab lab;
  lab.rollout->start_error =
      base::precondition("users is claimed by shop/other").with_reason("TableClaimed");
  bool waited = false;
  for (int i = 0; i < 10 && !waited; ++i) {
    lab.pass(lab.reconcile());
    waited = lab.reason(ConditionType::ready) == "TableClaimed" && !lab.status().started_at;
  }
  EXPECT_TRUE(waited);
  EXPECT_EQ(lab.status().phase, Phase::pending);
  lab.rollout->start_error.reset();
  EXPECT_TRUE(lab.until(Phase::ready_to_switch));
}

TEST(Start, a_claimed_table_is_asked_for_before_the_spec_is_frozen) {
  Lab lab;
  lab.rollout->claim_error = base::precondition("waits for shop/other").with_reason("TableClaimed");
  for (int i = 0; i < 12; ++i) {
    lab.pass(lab.reconcile());
    EXPECT_FALSE(lab.status().started_at);
  }
  EXPECT_EQ(lab.reason(ConditionType::ready), "TableClaimed");
  const int writes = lab.cluster.status_writes;
  lab.settle(5);
  EXPECT_EQ(lab.cluster.status_writes, writes);
  lab.rollout->claim_error.reset();
  EXPECT_TRUE(lab.until(Phase::ready_to_switch));
}

TEST(Start, a_schema_that_moved_since_the_plan_is_planned_anew) {
  Lab lab;
  lab.rollout->start_error = base::conflict("the schema changed").with_reason("SchemaMoved");
  lab.settle(5);
  EXPECT_FALSE(lab.rollout->record);
  lab.rollout->start_error.reset();
  lab.rollout->planned = plan_of("cccc");
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  EXPECT_EQ(lab.rollout->record->plan.hash, "cccc");
}

TEST(Start, a_lock_timeout_beyond_the_deadlock_check_is_said_to_be_clamped) {
  Lab lab;
  lab.edit([](auto& spec) {
    spec.safety.lock_timeout = 5s;
    spec.suspend = true;
  });
  ASSERT_TRUE(lab.until(Phase::planned));
  EXPECT_NE(lab.condition(ConditionType::planned)->message.find("clamped to 800ms"),
            std::string::npos);
}

// --- the queue ---

crds::Migration second(Lab& lab, const std::string& name) {
  return lab.make(name);
}

TEST(Queue, the_younger_waits_for_the_older_on_the_same_tables) {
  Lab lab;
  auto older = second(lab, "users-v1");
  older.metadata.creation_timestamp = *lab.m().metadata.creation_timestamp - 10s;
  lab.cluster.migrations_[{"shop", "users-v1"}] = older;
  lab.settle(3);
  EXPECT_EQ(lab.status().phase, Phase::pending);
  EXPECT_EQ(lab.reason(ConditionType::ready), "WaitingInQueue");
  EXPECT_TRUE(lab.says("users-v1"));
  EXPECT_FALSE(lab.status().plan) << "only the head is planned";
}

TEST(Queue, other_tables_do_not_wait) {
  Lab lab;
  auto older = second(lab, "orders-v1");
  older.metadata.creation_timestamp = *lab.m().metadata.creation_timestamp - 10s;
  std::get<plan::AddColumn>(older.spec.operations[0]).table = "orders";
  lab.cluster.migrations_[{"shop", "orders-v1"}] = older;
  EXPECT_TRUE(lab.until(Phase::ready_to_switch));
}

TEST(Queue, who_has_begun_goes_first_whatever_its_age) {
  Lab lab;
  auto younger = second(lab, "users-v3");
  younger.status.started_at = *lab.m().metadata.creation_timestamp;
  lab.cluster.migrations_[{"shop", "users-v3"}] = younger;
  lab.settle(2);
  EXPECT_TRUE(lab.says("users-v3"));
  lab.cluster.migrations_.at({"shop", "users-v3"})
      .status.conditions.set(ConditionType::rolled_back, crds::ConditionStatus::is_true,
                             crds::Reason::rolled_back, "", 1, {});
  EXPECT_TRUE(lab.until(Phase::ready_to_switch));
}

TEST(Queue, one_that_waits_for_approval_or_is_stalled_lets_others_pass) {
  for (const auto reason : {crds::Reason::awaiting_approval, crds::Reason::invalid_plan}) {
    Lab lab;
    auto older = second(lab, "users-v1");
    older.metadata.creation_timestamp = *lab.m().metadata.creation_timestamp - 10s;
    older.status.conditions.set(ConditionType::ready, crds::ConditionStatus::is_false, reason, "",
                                1, {});
    if (reason == crds::Reason::invalid_plan) {
      older.status.conditions.set(ConditionType::stalled, crds::ConditionStatus::is_true, reason,
                                  "", 1, {});
    }
    lab.cluster.migrations_[{"shop", "users-v1"}] = older;
    EXPECT_TRUE(lab.until(Phase::ready_to_switch));
  }
}

TEST(Requires, waits_until_the_other_is_completed) {
  Lab lab;
  auto base = second(lab, "base");
  std::get<plan::AddColumn>(base.spec.operations[0]).table = "orders";
  lab.cluster.migrations_[{"shop", "base"}] = base;
  lab.edit([](auto& spec) { spec.required = {"base"}; });
  lab.settle(2);
  EXPECT_EQ(lab.reason(ConditionType::ready), "WaitingForRequired");
  EXPECT_TRUE(lab.says("base"));
  lab.cluster.migrations_.at({"shop", "base"})
      .status.conditions.set(ConditionType::contracted, crds::ConditionStatus::is_true,
                             crds::Reason::contracted, "", 1, {});
  EXPECT_TRUE(lab.until(Phase::ready_to_switch));
}

TEST(Requires, is_answered_by_the_ledger_when_the_object_is_gone) {
  Lab lab;
  lab.edit([](auto& spec) { spec.required = {"base"}; });
  lab.settle(2);
  EXPECT_EQ(lab.reason(ConditionType::ready), "WaitingForRequired");
  auto done = record_of(lab, execute::State::completed);
  done.identity.name = "shop/base";
  lab.rollout->others = {done};
  EXPECT_TRUE(lab.until(Phase::ready_to_switch));
}

TEST(Requires, a_cycle_is_stalled_and_named) {
  Lab lab;
  auto other = second(lab, "other");
  other.spec.required = {"users-v2"};
  lab.cluster.migrations_[{"shop", "other"}] = other;
  lab.edit([](auto& spec) { spec.required = {"other"}; });
  lab.settle(2);
  EXPECT_EQ(lab.reason(ConditionType::stalled), "RequiresCycle");
  EXPECT_TRUE(lab.says("users-v2 -> other -> users-v2")) << lab.status().message;
}

TEST(Requires, a_requirement_goes_before_an_older_one_that_names_it) {
  Lab lab;
  auto older = second(lab, "users-v1");
  older.metadata.creation_timestamp = *lab.m().metadata.creation_timestamp - 10s;
  older.spec.required = {"users-v2"};
  lab.cluster.migrations_[{"shop", "users-v1"}] = older;
  EXPECT_TRUE(lab.until(Phase::ready_to_switch));
}

// --- the Database ---

TEST(DatabaseOfAMigration, that_is_not_there_is_waited_for) {
  Lab lab;
  lab.cluster.databases.clear();
  lab.reconcile();
  EXPECT_EQ(lab.reason(ConditionType::ready), "DatabaseNotFound");
}

TEST(DatabaseOfAMigration, that_is_not_ready_is_waited_for_with_its_own_words) {
  Lab lab;
  lab.pools.remove({"shop", "shop"});
  auto& database = lab.cluster.databases.at({"shop", "shop"});
  database.status.conditions.set(ConditionType::ready, crds::ConditionStatus::is_false,
                                 crds::Reason::authentication_failed, "password is wrong", 1, {});
  lab.reconcile();
  EXPECT_EQ(lab.reason(ConditionType::ready), "DatabaseNotReady");
  EXPECT_TRUE(lab.says("password is wrong"));
  database.status.conditions.set(ConditionType::ready, crds::ConditionStatus::is_false,
                                 crds::Reason::namespace_not_opened, "rolebinding", 1, {});
  lab.reconcile();
  EXPECT_EQ(lab.reason(ConditionType::ready), "NamespaceNotOpened");
}

TEST(DatabaseOfAMigration, a_step_that_runs_is_not_disturbed_by_a_new_secret) {
  Lab lab;
  lab.jobs_end = false;
  ASSERT_TRUE(lab.until(Phase::expanding));
  sql::Endpoint moved;
  moved.password = "n3w";
  lab.pools.configure({"shop", "shop"}, "db-1", moved, {});
  ASSERT_FALSE(lab.pools.facts({"shop", "shop"}));
  lab.reconcile();
  EXPECT_EQ(lab.status().phase, Phase::expanding);
  EXPECT_EQ(lab.reason(ConditionType::ready), "Expanding");
  EXPECT_EQ(lab.runner.cancelled, 0);
}

// --- deletion ---

TEST(Deletion, with_the_database_out_of_reach_holds_and_says_so) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.rollout->unavailable = true;
  lab.remove();
  lab.settle(3);
  ASSERT_FALSE(lab.gone());
  EXPECT_TRUE(lab.says("out of reach"));
  EXPECT_TRUE(lab.says("lockkeeper.dev/orphan"));
}

TEST(Deletion, the_annotation_lets_go_and_marks_the_ledger) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.remove();
  lab.m().metadata.annotations[std::string(crds::annotation::orphan)] = "true";
  EXPECT_TRUE(lab.until_gone(1));
  EXPECT_EQ(lab.rollout->orphaned, 1);
  EXPECT_TRUE(lab.told("SchemaOrphaned"));
}

TEST(Deletion, with_the_secret_gone_too_it_lets_go_at_once) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.rollout->unavailable = true;
  lab.cluster.objects.erase({Kind::secret, {"shop", "shop-db"}});
  lab.remove();
  EXPECT_TRUE(lab.until_gone(1));
  EXPECT_TRUE(lab.told("SchemaOrphaned"));
}

TEST(Deletion, without_a_database_object_it_lets_go_at_once) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.cluster.databases.clear();
  lab.pools.remove({"shop", "shop"});
  lab.remove();
  EXPECT_TRUE(lab.until_gone(1));
}

TEST(Deletion, stops_a_running_step_first) {
  Lab lab;
  lab.jobs_end = false;
  ASSERT_TRUE(lab.until(Phase::expanding));
  lab.remove();
  lab.reconcile();
  EXPECT_EQ(lab.runner.cancelled, 1);
  ASSERT_FALSE(lab.gone());
  lab.jobs_end = true;
  EXPECT_TRUE(lab.until_gone());
}

TEST(Deletion, of_what_was_rolled_back_needs_no_database) {
  Lab lab;
  ASSERT_TRUE(lab.until(Phase::ready_to_switch));
  lab.edit([](auto& spec) { spec.rollback = true; });
  ASSERT_TRUE(lab.until(Phase::rolled_back));
  lab.rollout->unavailable = true;
  lab.remove();
  EXPECT_TRUE(lab.until_gone(1));
}

TEST(Undecodable, is_stalled_with_the_path) {
  Lab lab;
  lab.cluster.undecodable = base::invalid("unknown field").with_path("spec.operatons");
  lab.cluster.at(Kind::migration, "users-v2") = crds::encode(lab.m());
  lab.reconcile();
  EXPECT_EQ(lab.reason(ConditionType::stalled), "InvalidSpec");
  EXPECT_NE(lab.condition(ConditionType::stalled)->message.find("spec.operatons"),
            std::string::npos);
}

}  // namespace
}  // namespace lockkeeper::reconcile::testing
