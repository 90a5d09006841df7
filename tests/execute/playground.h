// A database, a role that owns its tables and may make the ledger, and a plan by hand: a column
// added, a unique index built, a CHECK proved, and at contract the old column dropped.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "dbcore/catalog/fingerprint.h"
#include "dbcore/execute/facts.h"
#include "dbcore/execute/journal.h"
#include "dbcore/sql/pool.h"
#include "tests/support/private_postgres.h"

#define LK_ASSERT_OK(expression)                                                    \
  do {                                                                              \
    const auto& lk_result = (expression);                                           \
    ASSERT_TRUE(lk_result.ok()) << #expression << ": " << lk_result.error().text(); \
  } while (false)

namespace lockkeeper::execute {

inline sql::Endpoint endpoint(const std::string& role, const std::string& database, int port) {
  return {.parameters = {{"host", "127.0.0.1"},
                         {"port", std::to_string(port)},
                         {"dbname", database},
                         {"user", role},
                         {"sslmode", "disable"}},
          .password = role,
          .role = ""};
}

inline std::shared_ptr<sql::Pool> pool_to(const std::string& role, const std::string& database,
                                          int port) {
  sql::PoolOptions options;
  options.max = 8;
  options.min = 0;
  options.retry = {.max_attempts = 1, .backoff = std::chrono::milliseconds(50)};
  return std::make_shared<sql::Pool>(endpoint(role, database, port), options);
}

// The session of a lease that must be had.
inline sql::Lease lease(sql::Pool& pool) {
  auto taken = pool.acquire(base::Context());
  if (!taken) base::die_of_unchecked(taken.error());
  return std::move(taken).value();
}

class Playground {
 public:
  explicit Playground(support::PrivatePostgres& server = support::PrivatePostgres::shared())
      : pg(server), db(make_database(server)), pool(pool_to("lk_owner", db, server.port())) {}

  // Table t(id, name) with so many rows.
  void make_table(int rows = 100) {
    run("CREATE TABLE t (id int PRIMARY KEY, name text)");
    run("INSERT INTO t SELECT i, 'name ' || i FROM generate_series(1, " + std::to_string(rows) +
        ") i");
  }
  void run(const std::string& text) { pg.execute(db, text, "lk_owner"); }
  [[nodiscard]] std::string ask(const std::string& text) const { return pg.sql(db, text); }

  [[nodiscard]] plan::Relation relation(const std::string& table) const {
    const auto oid = ask("SELECT '" + table + "'::regclass::oid");
    return {.oid = static_cast<std::uint32_t>(std::stoul(oid)), .schema = "public", .name = table};
  }

  support::PrivatePostgres& pg;
  std::string db;
  std::shared_ptr<sql::Pool> pool;

 private:
  static std::string make_database(support::PrivatePostgres& server) {
    if (server.sql("postgres", "SELECT 1 FROM pg_roles WHERE rolname = 'lk_owner'").empty()) {
      server.create_role("lk_owner");
    }
    auto name = server.create_database("lk_owner");
    server.execute(name, "GRANT ALL ON SCHEMA public TO lk_owner");
    return name;
  }
};

inline plan::Action action(plan::ActionKind kind, std::vector<std::string> statements,
                           const plan::Relation& table, plan::LockMode lock) {
  plan::Action made;
  made.kind = kind;
  made.statements = std::move(statements);
  made.locks = {table};
  made.lock = lock;
  return made;
}

inline plan::Action ddl(std::vector<std::string> statements, const plan::Relation& table,
                        plan::LockMode lock = plan::LockMode::access_exclusive) {
  return action(plan::ActionKind::transaction, std::move(statements), table, lock);
}

inline plan::Step step(std::string id, plan::Stage stage, plan::Action work) {
  plan::Step made;
  made.id = std::move(id);
  made.stage = stage;
  made.summary = "does " + made.id;
  made.action = std::move(work);
  return made;
}

inline plan::Step column_step(const plan::Relation& t) {
  auto made = step(
      "expand-t", plan::Stage::expand,
      ddl({"ALTER TABLE public.t ADD COLUMN a int", "ALTER TABLE public.t ADD COLUMN b text"}, t));
  made.postcheck =
      "SELECT count(*) = 2 FROM pg_catalog.pg_attribute WHERE attrelid = 'public.t'::regclass"
      " AND attname IN ('a', 'b') AND NOT attisdropped";
  made.undo = {ddl({"ALTER TABLE public.t DROP COLUMN a, DROP COLUMN b"}, t)};
  return made;
}

inline plan::Step index_step(const plan::Relation& t) {
  auto build = action(plan::ActionKind::concurrently,
                      {"CREATE UNIQUE INDEX CONCURRENTLY t_name ON public.t (name)"}, t,
                      plan::LockMode::share_update_exclusive);
  auto drop = build;
  drop.statements = {"DROP INDEX CONCURRENTLY IF EXISTS public.t_name"};
  build.index_schema = "public";
  build.index_name = "t_name";
  auto made = step("index-t_name", plan::Stage::index, build);
  made.duration = plan::DurationClass::index_build;
  made.postcheck =
      "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_index WHERE indexrelid ="
      " to_regclass('public.t_name') AND indisvalid AND indisready)";
  made.undo = {drop};
  return made;
}

inline plan::Step check_step(const plan::Relation& t) {
  auto made =
      step("check-t", plan::Stage::validate,
           ddl({"ALTER TABLE public.t ADD CONSTRAINT name_set CHECK (name <> '') NOT VALID"}, t));
  made.undo = {ddl({"ALTER TABLE public.t DROP CONSTRAINT IF EXISTS name_set"}, t)};
  return made;
}

inline plan::Step validate_step(const plan::Relation& t) {
  auto made =
      step("validate-t", plan::Stage::validate,
           action(plan::ActionKind::validate, {"ALTER TABLE public.t VALIDATE CONSTRAINT name_set"},
                  t, plan::LockMode::share_update_exclusive));
  made.duration = plan::DurationClass::scan;
  made.postcheck =
      "SELECT convalidated FROM pg_catalog.pg_constraint WHERE conname = 'name_set'"
      " AND conrelid = 'public.t'::regclass";
  made.diagnosis = "SELECT 'id=' || id FROM public.t WHERE NOT (name <> '') LIMIT 5";
  return made;
}

inline plan::Step contract_step(const plan::Relation& t) {
  auto made = step(
      "contract-1", plan::Stage::contract,
      ddl({"ALTER TABLE public.t DROP COLUMN name", "ALTER TABLE public.t RENAME COLUMN b TO name"},
          t));
  made.postcheck =
      "SELECT NOT EXISTS (SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid ="
      " 'public.t'::regclass AND attname = 'b')";
  made.breaks_old_version = true;
  return made;
}

inline plan::Plan plan_of(const Playground& ground, std::vector<plan::Step> steps) {
  plan::Plan plan;
  plan.schema = "public";
  plan.steps = std::move(steps);
  plan.tables = {ground.relation("t")};
  plan.hash = std::string(64, 'a');
  plan.fingerprint = std::string(64, 'b');
  return plan;
}

inline plan::Plan whole_plan(const Playground& ground) {
  const auto t = ground.relation("t");
  return plan_of(
      ground, {column_step(t), index_step(t), check_step(t), validate_step(t), contract_step(t)});
}

// What Engine::start does, for a plan that no operations led to.
inline base::Result<Record> begin(Playground& ground, const plan::Plan& plan,
                                  const Identity& identity = {"public", "shop/users"}) {
  const base::Context ctx;
  const auto session = lease(*ground.pool);
  TRY_OK(journal::install(ctx, *session));
  TRY(auto state, read_state(ctx, *session, plan));
  TRY(const auto server, catalog::inspect_server(ctx, *session));
  return journal::start(ctx, *session,
                        {.identity = identity,
                         .plan = plan,
                         .operations_hash = std::string(64, 'c'),
                         .approval_hash = "",
                         .system_identifier = server.system_identifier,
                         .database_oid = server.database_oid,
                         .facts = std::move(state.facts),
                         .signature = std::move(state.signature)});
}

}  // namespace lockkeeper::execute
