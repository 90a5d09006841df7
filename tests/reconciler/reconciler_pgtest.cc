#include "tests/reconciler/real_world.h"

namespace lockkeeper::reconcile::testing {
namespace {

constexpr auto columns_of_users =
    "SELECT string_agg(attname || ' ' || attnotnull, ',' ORDER BY attname) FROM pg_attribute "
    "WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped";

class OnPostgres : public ::testing::Test {
 protected:
  void SetUp() override {
    lab.pg.execute(lab.name,
                   "CREATE SCHEMA app; CREATE TABLE users (id bigint PRIMARY KEY, name text NOT "
                   "NULL); INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 500) i; "
                   "ANALYZE users",
                   lab.role);
    lab.look_at_database();
  }
  std::string ask(const std::string& sql) { return lab.pg.sql(lab.name, sql, lab.role); }
  std::string message() {
    std::string text = lab.m().status.message;
    for (const auto& condition : lab.m().status.conditions.all()) {
      text += "\n" + std::string(to_string(condition.type)) + " " + condition.reason + ": " +
              condition.message;
    }
    return text;
  }

  static plan::Operation add_plan() {
    plan::AddColumn add;
    add.table = "users";
    add.column.name = "plan";
    add.column.type = "text";
    add.column.nullable = false;
    add.up = "'free'";
    return add;
  }
  static plan::Operation rename_name() {
    plan::RenameColumn rename;
    rename.table = "users";
    rename.from = "name";
    rename.to = "display_name";
    return rename;
  }

  RealLab lab;
};

TEST_F(OnPostgres, a_database_is_ready_with_its_ledger) {
  EXPECT_EQ(lab.ready_reason(), "LimitedVisibility");
  EXPECT_TRUE(lab.db().status.conditions.is_true(ConditionType::ready));
  EXPECT_EQ(ask("SELECT count(*) FROM lockkeeper.migration"), "0");
  EXPECT_EQ(lab.db().status.server_version.substr(0, 3), "15.");
}

TEST_F(OnPostgres, a_nullable_column_goes_from_pending_to_completed) {
  plan::AddColumn add;
  add.table = "users";
  add.column.name = "note";
  add.column.type = "text";
  lab.m().spec.operations = {add};
  ASSERT_TRUE(lab.until(Phase::completed)) << message();
  EXPECT_EQ(ask(columns_of_users), "id true,name true,note false");
  EXPECT_TRUE(lab.m().status.conditions.is_true(ConditionType::ready));
}

TEST_F(OnPostgres, a_column_is_renamed_and_one_filled_and_promoted_by_hand) {
  lab.m().spec.operations = {rename_name(), add_plan()};
  ASSERT_TRUE(lab.until(Phase::ready_to_switch)) << message();
  EXPECT_EQ(ask("SELECT count(*) FROM users WHERE display_name IS DISTINCT FROM name OR plan IS "
                "DISTINCT FROM 'free'"),
            "0");
  lab.edit([](auto& spec) { spec.until = crds::Until::contract; });
  ASSERT_TRUE(lab.until(Phase::completed)) << message();
  EXPECT_EQ(ask(columns_of_users), "display_name true,id true,plan true");
}

TEST_F(OnPostgres, the_way_back_restores_the_table) {
  const std::string before = lab.pg.dump_schema(lab.name, {"-n", "public"});
  lab.m().spec.operations = {rename_name(), add_plan()};
  ASSERT_TRUE(lab.until(Phase::ready_to_switch)) << message();
  lab.edit([](auto& spec) { spec.rollback = true; });
  ASSERT_TRUE(lab.until(Phase::rolled_back)) << message();
  EXPECT_EQ(lab.pg.dump_schema(lab.name, {"-n", "public"}), before);
  EXPECT_TRUE(lab.m().status.conditions.is_true(ConditionType::rolled_back));
}

TEST_F(OnPostgres, a_deleted_object_takes_its_columns_with_it) {
  lab.m().spec.operations = {add_plan()};
  ASSERT_TRUE(lab.until(Phase::ready_to_switch)) << message();
  lab.m().metadata.deletion_timestamp = std::chrono::sys_seconds{};
  ASSERT_TRUE(lab.until(Phase::completed));
  EXPECT_TRUE(lab.gone());
  EXPECT_EQ(ask(columns_of_users), "id true,name true");
}

TEST_F(OnPostgres, a_table_that_does_not_exist_is_an_invalid_plan) {
  plan::AddColumn add;
  add.table = "nobody";
  add.column.name = "note";
  add.column.type = "text";
  lab.m().spec.operations = {add};
  lab.reconcile();
  EXPECT_TRUE(
      lab.m().status.conditions.has_reason(ConditionType::stalled, crds::Reason::invalid_plan));
  EXPECT_NE(message().find("spec.operations[0]"), std::string::npos) << message();
  EXPECT_EQ(ask("SELECT count(*) FROM lockkeeper.migration"), "0");
}

TEST_F(OnPostgres, a_row_that_fails_is_blocked_with_its_key_and_goes_on_when_mended) {
  ask("INSERT INTO users VALUES (501, 'zero') RETURNING id");
  plan::AddColumn add;
  add.table = "users";
  add.column.name = "share";
  add.column.type = "int";
  add.up = "100 / (id - 501)::int";
  lab.m().spec.operations = {add};
  const auto blocked = [&] {
    lab.reconcile();
    return lab.m().status.conditions.has_reason(ConditionType::ready, crds::Reason::row_fails);
  };
  ASSERT_TRUE(support::await(blocked, std::chrono::seconds(30))) << message();
  EXPECT_NE(message().find("501"), std::string::npos) << message();
  ask("DELETE FROM users WHERE id = 501 RETURNING 1");
  EXPECT_TRUE(lab.until(Phase::ready_to_switch)) << message();
}

TEST_F(OnPostgres, a_blocker_is_named_and_it_goes_on_when_it_ends) {
  support::PgConnection holder(lab.pg.uri(lab.role, lab.name));
  holder.exec("BEGIN; LOCK TABLE users IN ACCESS SHARE MODE");
  lab.m().spec.operations = {add_plan()};
  const auto blocked = [&] {
    lab.reconcile();
    return !lab.m().status.blockers.empty();
  };
  ASSERT_TRUE(support::await(blocked, std::chrono::seconds(30))) << message();
  EXPECT_EQ(lab.m().status.blockers[0].pid, holder.backend_pid());
  holder.exec("COMMIT");
  EXPECT_TRUE(lab.until(Phase::ready_to_switch)) << message();
  EXPECT_TRUE(lab.m().status.blockers.empty());
}

TEST_F(OnPostgres, a_new_process_goes_on_from_the_ledger) {
  lab.m().spec.operations = {rename_name()};
  ASSERT_TRUE(lab.until(Phase::ready_to_switch)) << message();
  MigrationReconciler fresh;
  lab.edit([](auto& spec) { spec.until = crds::Until::contract; });
  const auto done = [&] {
    const auto outcome = fresh.reconcile(lab.world(), lab.key);
    EXPECT_TRUE(outcome.ok());
    lab.cluster.carry_out(lab.key, *outcome);
    return lab.m().status.phase == Phase::completed;
  };
  ASSERT_TRUE(support::await(done, std::chrono::seconds(30))) << message();
  EXPECT_EQ(ask(columns_of_users), "display_name true,id true");
}

TEST_F(OnPostgres, the_same_object_in_a_new_cluster_is_adopted) {
  lab.m().spec.operations = {rename_name()};
  lab.m().spec.until = crds::Until::contract;
  ASSERT_TRUE(lab.until(Phase::completed)) << message();
  lab.m().status = {};
  ASSERT_TRUE(lab.until(Phase::completed)) << message();
  EXPECT_TRUE(
      lab.m().status.conditions.has_reason(ConditionType::contracted, crds::Reason::adopted));
}

TEST_F(OnPostgres, a_trigger_dropped_by_hand_is_drift) {
  lab.m().spec.operations = {rename_name()};
  ASSERT_TRUE(lab.until(Phase::ready_to_switch)) << message();
  const std::string trigger =
      ask("SELECT quote_ident(tgname) FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT "
          "tgisinternal");
  lab.pg.execute(lab.name, "DROP TRIGGER " + trigger + " ON users", lab.role);
  lab.edit([](auto& spec) { spec.until = crds::Until::contract; });
  const auto blocked = [&] {
    lab.reconcile();
    return lab.m().status.conditions.has_reason(ConditionType::ready, crds::Reason::drift);
  };
  ASSERT_TRUE(support::await(blocked, std::chrono::seconds(30))) << message();
  EXPECT_NE(message().find("~lk_"), std::string::npos) << message();
  EXPECT_NE(ask(columns_of_users).find("name"), std::string::npos);
}

// --- the Database's own troubles ---

TEST_F(OnPostgres, a_wrong_password_has_its_reason_and_heals) {
  lab.secret(lab.pg.uri(lab.role, lab.name, "wrong-one"));
  lab.look_at_database();
  EXPECT_EQ(lab.ready_reason(), "AuthenticationFailed");
  lab.secret(lab.pg.uri(lab.role, lab.name));
  lab.look_at_database();
  EXPECT_TRUE(lab.db().status.conditions.is_true(ConditionType::ready));
}

TEST_F(OnPostgres, a_server_that_is_not_there_is_unavailable) {
  lab.secret("postgresql://x:y@127.0.0.1:1/z");
  lab.look_at_database();
  EXPECT_EQ(lab.ready_reason(), "ServerUnavailable");
}

TEST_F(OnPostgres, a_superuser_is_refused_unless_allowed) {
  lab.secret(lab.pg.socket_uri("postgres", lab.name));
  lab.look_at_database();
  EXPECT_EQ(lab.ready_reason(), "SuperuserRefused");
  lab.db().spec.allow_superuser = true;
  lab.look_at_database();
  EXPECT_TRUE(lab.db().status.conditions.is_true(ConditionType::ready));
}

TEST_F(OnPostgres, tls_that_the_server_lacks_has_its_reason) {
  lab.db().spec.connection.tls.mode = crds::TlsMode::require;
  lab.look_at_database();
  EXPECT_EQ(lab.ready_reason(), "TlsFailed");
}

TEST(LedgerRights, a_role_that_may_not_make_the_ledger_is_told_the_lines) {
  RealLab lab;
  const std::string guest = lab.role + "_guest";
  lab.pg.create_role(guest);
  lab.secret(lab.pg.uri(guest, lab.name));
  lab.look_at_database();
  EXPECT_EQ(lab.ready_reason(), "LedgerForbidden");
  const std::string message = lab.db().status.conditions.find(ConditionType::ready)->message;
  EXPECT_NE(message.find("GRANT"), std::string::npos) << message;
}

}  // namespace
}  // namespace lockkeeper::reconcile::testing
