#include <thread>

#include "dbcore/execute/ledger_steps.h"
#include "tests/execute/playground.h"

namespace lockkeeper::execute {
namespace {

using base::Context;
using base::ErrorCode;

TEST(LedgerTest, ManyOperatorsThatStartAtOnceMakeItOnce) {
  Playground ground;
  std::vector<std::string> errors(6);
  {
    std::vector<std::jthread> operators;
    for (auto& error : errors) {
      operators.emplace_back([&ground, &error] {
        const auto session = lease(*ground.pool);
        const auto installed = journal::install(Context(), *session);
        if (!installed) error = installed.error().text();
      });
    }
  }
  for (const auto& error : errors) EXPECT_EQ(error, "");
  EXPECT_EQ(ground.ask("SELECT count(*) FROM lockkeeper.version"),
            std::to_string(journal::ledger_steps().size()));
}

TEST(LedgerTest, ItsOwnTextMakesTheSameLedger) {
  Playground ground;
  Playground by_hand;
  const auto session = lease(*ground.pool);
  LK_ASSERT_OK(journal::install(Context(), *session));
  by_hand.run(journal::install_sql());
  EXPECT_EQ(ground.pg.dump_schema(ground.db), by_hand.pg.dump_schema(by_hand.db));
  const auto second = lease(*by_hand.pool);
  LK_ASSERT_OK(journal::install(Context(), *second));
}

TEST(LedgerTest, IsTakenAwayOnlyWhenNoMigrationNeedsIt) {
  Playground ground;
  const auto session = lease(*ground.pool);
  EXPECT_FALSE(journal::uninstall(Context(), *session).value());
  ground.make_table();
  LK_ASSERT_OK(begin(ground, whole_plan(ground)));
  const auto refused = journal::uninstall(Context(), *session);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "LedgerInUse");
  EXPECT_FALSE(session->in_transaction());
  ground.run("UPDATE lockkeeper.migration SET state = 'rolled_back'");
  EXPECT_TRUE(journal::uninstall(Context(), *session).value());
  EXPECT_EQ(ground.ask("SELECT to_regnamespace('lockkeeper') IS NULL"), "t");
}

TEST(LedgerTest, AnOlderFormIsBroughtUpToDate) {
  Playground ground;
  const auto session = lease(*ground.pool);
  ground.run("CREATE SCHEMA lockkeeper");
  for (const auto statement : journal::ledger_steps()[0]) ground.run(std::string(statement));
  ground.run("INSERT INTO lockkeeper.version (version) VALUES (1)");
  LK_ASSERT_OK(journal::install(Context(), *session));
  EXPECT_EQ(ground.ask("SELECT max(version) FROM lockkeeper.version"),
            std::to_string(journal::ledger_steps().size()));
}

TEST(LedgerTest, ANewerFormIsRefused) {
  Playground ground;
  const auto session = lease(*ground.pool);
  LK_ASSERT_OK(journal::install(Context(), *session));
  ground.run("INSERT INTO lockkeeper.version (version) VALUES (99)");
  const auto refused = journal::install(Context(), *session);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "LedgerTooNew");
}

TEST(LedgerTest, ARoleThatMayNotMakeItIsToldTheLineToRun) {
  Playground ground;
  if (ground.pg.sql("postgres", "SELECT 1 FROM pg_roles WHERE rolname = 'lk_guest'").empty()) {
    ground.pg.create_role("lk_guest");
  }
  const auto guests = pool_to("lk_guest", ground.db, ground.pg.port());
  {
    const auto session = lease(*guests);
    const auto refused = journal::install(Context(), *session);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::precondition);
    EXPECT_EQ(refused.error().reason, "LedgerForbidden");
    EXPECT_NE(refused.error().hint.find("CREATE SCHEMA lockkeeper AUTHORIZATION \"lk_guest\";"),
              std::string::npos)
        << refused.error().text();
  }
  ground.pg.execute(ground.db, "CREATE SCHEMA lockkeeper AUTHORIZATION lk_guest");
  const auto session = lease(*guests);
  LK_ASSERT_OK(journal::install(Context(), *session));
}

TEST(LedgerTest, ASchemaOfSomebodyElseIsNamed) {
  Playground ground;
  ground.pg.execute(ground.db, "CREATE SCHEMA lockkeeper");
  const auto session = lease(*ground.pool);
  const auto refused = journal::install(Context(), *session);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "LedgerForbidden");
  EXPECT_NE(refused.error().hint.find("ALTER SCHEMA lockkeeper OWNER TO \"lk_owner\";"),
            std::string::npos)
      << refused.error().text();
}

TEST(JournalTest, ARecordIsReadAsItWasWritten) {
  Playground ground;
  ground.make_table();
  auto plan = whole_plan(ground);
  plan.steps[0].summary = "quotes ' \" \\ and ü";
  plan.steps[0].statement_timeout_ms = 1234567890123;
  const auto started = begin(ground, plan);
  LK_ASSERT_OK(started);
  const auto session = lease(*ground.pool);
  const auto found = journal::find(Context(), *session, started->identity);
  LK_ASSERT_OK(found);
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->plan.steps, plan.steps);
  EXPECT_EQ((*found)->plan.tables, plan.tables);
  EXPECT_EQ((*found)->state, State::running);
  EXPECT_EQ((*found)->epoch, 1);
  EXPECT_EQ((*found)->owner, process_token());
  EXPECT_EQ((*found)->steps.size(), plan.steps.size());
  EXPECT_EQ((*found)->steps[1].id, "index-t_name");
  EXPECT_FALSE((*found)->facts.empty());
  EXPECT_EQ((*found)->signature, (*found)->facts_signature);
  const auto all = journal::list(Context(), *session);
  LK_ASSERT_OK(all);
  EXPECT_EQ(all->size(), 1U);
}

TEST(JournalTest, ATableIsHeldByOneMigrationAndTheHolderIsNamed) {
  Playground ground;
  ground.make_table();
  const auto plan = whole_plan(ground);
  LK_ASSERT_OK(begin(ground, plan));
  const auto second = begin(ground, plan, {"public", "shop/other"});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().reason, "TableClaimed");
  EXPECT_NE(second.error().message.find("shop/users"), std::string::npos);
  EXPECT_EQ(ground.ask("SELECT count(*) FROM lockkeeper.migration"), "1");
  const auto again = begin(ground, plan);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
}

TEST(JournalTest, ANameThatWasRolledBackIsFreeAgain) {
  Playground ground;
  ground.make_table();
  const auto plan = whole_plan(ground);
  const auto first = begin(ground, plan);
  LK_ASSERT_OK(first);
  ground.run("UPDATE lockkeeper.migration SET state = 'rolled_back'; DELETE FROM lockkeeper.claim");
  const auto second = begin(ground, plan);
  LK_ASSERT_OK(second);
  EXPECT_NE(second->id, first->id);
  const auto session = lease(*ground.pool);
  const auto found = journal::find(Context(), *session, second->identity);
  LK_ASSERT_OK(found);
  EXPECT_EQ((*found)->id, second->id);
}

TEST(JournalTest, AnOrphanIsFoundAsSuchUntilItIsTakenOver) {
  Playground ground;
  ground.make_table();
  const auto record = begin(ground, whole_plan(ground));
  LK_ASSERT_OK(record);
  const auto session = lease(*ground.pool);
  LK_ASSERT_OK(journal::mark_orphaned(Context(), *session, record->identity));
  auto found = journal::find(Context(), *session, record->identity);
  LK_ASSERT_OK(found);
  EXPECT_EQ((*found)->state, State::orphaned);
  EXPECT_EQ(ground.ask("SELECT count(*) FROM lockkeeper.claim"), "1");
  LK_ASSERT_OK(take_over(Context(), *session, record->id));
  found = journal::find(Context(), *session, record->identity);
  LK_ASSERT_OK(found);
  EXPECT_EQ((*found)->state, State::running);
  EXPECT_EQ((*found)->epoch, 2);
}

// What may change it and what may not; each line is one alteration of t or of what is tied to it.
TEST(SignatureTest, ItMovesWithTheSchemaAndWithNothingElse) {
  Playground ground;
  ground.make_table();
  ground.run("CREATE TABLE parent (id int PRIMARY KEY)");
  ground.run("CREATE VIEW v AS SELECT name FROM t");
  ground.run("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'");
  ground.run("CREATE TRIGGER trg BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()");
  const auto session = lease(*ground.pool);
  LK_ASSERT_OK(journal::install(Context(), *session));
  const auto read = [&] {
    return journal::signature(Context(), *session, {ground.relation("t").oid}).value();
  };
  auto last = read();
  for (const std::string change :
       {"ALTER TABLE t ADD COLUMN extra int", "ALTER TABLE t DISABLE TRIGGER trg",
        "CREATE INDEX ON t (extra)", "ALTER TABLE t ALTER extra SET DEFAULT 1",
        "CREATE OR REPLACE VIEW v AS SELECT name, id FROM t",
        "ALTER TABLE t ADD FOREIGN KEY (extra) REFERENCES parent", "ALTER TABLE parent ADD x int",
        "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; "
        "END'",
        "DROP TRIGGER trg ON t", "ALTER TABLE t SET (fillfactor = 90)",
        "GRANT SELECT ON t TO public", "COMMENT ON COLUMN t.name IS 'x'",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY", "CREATE POLICY p ON t USING (true)",
        "ALTER TABLE t RENAME COLUMN extra TO other"}) {
    ground.run(change);
    const auto now = read();
    EXPECT_NE(now, last) << change;
    last = now;
  }
  for (const std::string harmless :
       {"UPDATE t SET name = name || ''", "ANALYZE t", "VACUUM t", "TRUNCATE t",
        "CREATE TABLE unrelated (id int)", "VACUUM FULL t"}) {
    ground.run(harmless);
    EXPECT_EQ(read(), last) << harmless;
  }
}

}  // namespace
}  // namespace lockkeeper::execute
