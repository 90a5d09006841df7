#include "dbcore/plan/probe.h"

#include "dbcore/sql/transaction.h"

namespace lockkeeper::plan {
namespace {

// 42: the SQL is wrong; 22: a constant in it is; 0A: the server cannot do that.
bool spec_is_wrong(std::string_view sqlstate) {
  const auto kind = sqlstate.substr(0, 2);
  return kind == "42" || kind == "22" || kind == "0A";
}

base::Error blame(const Probe& probe, base::Error error) {
  if (!spec_is_wrong(error.sqlstate)) return error;
  error.code = base::ErrorCode::invalid;
  error.reason = "InvalidPlan";
  error.path = probe.path;
  if (error.hint.empty()) error.hint = probe.hint;
  return error;
}

base::Result<void> ask(const base::Context& ctx, sql::Session& session, const Probe& probe) {
  const sql::Statement statement(sql::Fragment::trusted(probe.sql));
  if (probe.complaint.empty()) {
    auto rows = session.execute(ctx, statement);
    if (!rows.ok()) return blame(probe, std::move(rows).error());
    return base::ok();
  }
  auto answer = session.ask(ctx, statement);
  if (!answer.ok()) return blame(probe, std::move(answer).error());
  if (answer.value()) return base::ok();
  return base::invalid(probe.complaint)
      .with_reason("InvalidPlan")
      .with_path(probe.path)
      .with_hint(probe.hint);
}

}  // namespace

base::Result<void> probe(const base::Context& ctx, sql::Session& session, const Plan& plan) {
  if (plan.probes.empty()) return base::ok();
  TRY(auto transaction,
      sql::Transaction::begin(ctx, session, sql::Isolation::repeatable_read_read_only));
  for (const auto& one : plan.probes) TRY_OK(ask(ctx, transaction.session(), one));
  return transaction.rollback(ctx);
}

}  // namespace lockkeeper::plan
