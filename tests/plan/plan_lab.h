// A database in which a plan is made and then played step by step, naively, by plain SQL: what the
// steps say is all that runs.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "dbcore/catalog/inspect.h"
#include "dbcore/plan/codec.h"
#include "dbcore/plan/plan.h"
#include "dbcore/plan/probe.h"
#include "dbcore/sql/session.h"
#include "tests/support/pg_connection.h"
#include "tests/support/private_postgres.h"

namespace lockkeeper::plan {

class Lab {
 public:
  explicit Lab(const std::string& schema_sql, std::string schema = "public")
      : database_(pg_.create_database()), schema_(std::move(schema)), hand_(socket()) {
    hand_.exec("CREATE SCHEMA lockkeeper");
    if (!schema_sql.empty()) hand_.exec(schema_sql);
    hand_.exec("SET search_path = ''");
  }

  base::Result<Plan> plan(const std::vector<Operation>& operations,
                          const std::set<std::string>& allow = {}) {
    TRY(auto wanted, request(schema_, operations));
    TRY(auto session, connect());
    TRY(const auto catalog, catalog::inspect({}, session, wanted));
    TRY(auto plan, make(operations, catalog, {allow, "0a1b2c3d"}));
    TRY_OK(probe({}, session, plan));
    return plan;
  }

  // As the executor sees it: without search_path.
  std::string sql(const std::string& text) { return hand_.exec(text); }
  // As an application does, with the schema on its path.
  std::string app(const std::string& text) { return pg_.sql(database_, text); }

  // From where the last call ended.
  void run(const Plan& plan, Stage last) {
    while (next_ < plan.steps.size() && plan.steps[next_].stage <= last) run(plan.steps[next_++]);
  }
  void run(const Step& step) {
    SCOPED_TRACE(step.id);
    ask(step.precheck);
    if (step.action) act(*step.action);
    if (step.backfill) fill(*step.backfill);
    if (step.verify) check(*step.verify);
    ask(step.postcheck);
  }
  void undo(const Plan& plan) {
    for (auto step = plan.steps.rbegin(); step != plan.steps.rend(); ++step) {
      if (step->stage == Stage::contract) continue;
      SCOPED_TRACE("undo " + step->id);
      for (const auto& action : step->undo) act(action);
    }
  }

  // Without our own schema.
  [[nodiscard]] std::string dump() const {
    return pg_.dump_schema(database_, {"-N", "lockkeeper"});
  }
  [[nodiscard]] const std::string& database() const { return database_; }

 private:
  [[nodiscard]] std::string socket() const { return pg_.socket_uri("postgres", database_); }

  base::Result<sql::Session> connect() const {
    sql::Endpoint endpoint;
    endpoint.parameters = {{"host", pg_.socket_dir().string()},
                           {"port", std::to_string(pg_.port())},
                           {"dbname", database_},
                           {"user", "postgres"}};
    return sql::Session::connect({}, endpoint, {});
  }

  void ask(const std::string& question) {
    if (question.empty()) return;
    EXPECT_EQ(sql(question), "t") << question;
  }

  void act(const Action& action) {
    try {
      if (action.kind == ActionKind::transaction) hand_.exec("BEGIN");
      for (const auto& statement : action.statements) {
        SCOPED_TRACE(statement);
        hand_.exec(statement);
      }
      if (action.kind == ActionKind::transaction) hand_.exec("COMMIT");
    } catch (const support::PgError& error) {
      ADD_FAILURE() << error.what() << "\nin " << testing::PrintToString(action.statements);
      hand_.exec("ROLLBACK");
    }
  }

  static std::vector<Relation> rows_of(const Relation& table, const std::vector<Relation>& leaves) {
    return leaves.empty() ? std::vector<Relation>{table} : leaves;
  }

  void fill(const Backfill& pass) {
    if (pass.routed) hand_.exec("SET lockkeeper.backfill = 'on'");
    for (const auto& table : rows_of(pass.table, pass.leaves)) {
      hand_.exec("UPDATE ONLY " + table.qualified().quoted() + " SET " + pass.assignments +
                 " WHERE " + pass.pending);
    }
    hand_.exec("RESET lockkeeper.backfill");
  }

  void check(const Verify& pass) {
    for (const auto& table : rows_of(pass.table, pass.leaves)) {
      const auto from = " FROM ONLY " + table.qualified().quoted() + " WHERE ";
      EXPECT_EQ(hand_.exec("SELECT count(*)" + from + pass.mismatch), "0") << pass.mismatch;
      if (!pass.pending.empty()) {
        EXPECT_EQ(hand_.exec("SELECT count(*)" + from + pass.pending), "0") << pass.pending;
      }
    }
  }

  support::PrivatePostgres& pg_ = support::PrivatePostgres::shared();
  std::string database_;
  std::string schema_;
  support::PgConnection hand_;
  std::size_t next_ = 0;
};

}  // namespace lockkeeper::plan
