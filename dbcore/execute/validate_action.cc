#include <fmt/format.h>

#include "dbcore/execute/actions.h"
#include "dbcore/execute/facts.h"
#include "dbcore/execute/lock_protocol.h"
#include "dbcore/execute/watch.h"
#include "dbcore/sql/sqlstate.h"

namespace lockkeeper::execute {
namespace {

using base::Context;
using base::Result;
using namespace std::chrono_literals;

constexpr int most_samples = 5;
constexpr auto sample_limit = 30s;

Result<void> validate_one(const Context& ctx, Job& job, const Task& task,
                          const std::string& statement, bool last) {
  const auto& step = *task.step;
  TRY(auto* const session, job.session(ctx));
  TRY(auto transaction, begin_fenced(ctx, *session, job.fence()));
  const auto limit =
      std::chrono::milliseconds(std::max<std::int64_t>(0, step.statement_timeout_ms));
  TRY_OK(session->execute(ctx, limits(job.deadlock_timeout() + 2s, limit,
                                      application_name(job.record().identity.name, step.id))));
  std::stop_source lost;
  const std::stop_callback stopped(ctx.stop(), [&lost] { lost.request_stop(); });
  {
    const Watch watch(ctx, job,
                      {.pid = session->backend_pid(),
                       .interval = 500ms,
                       .activity = step.summary,
                       .lost = [&lost] { lost.request_stop(); }});
    job.tell(step.id, "running");
    auto done =
        session->execute(ctx.with_stop(lost.get_token()), sql::Fragment::trusted(statement));
    if (!done) return std::move(done).error();
  }
  if (!last) return transaction.commit(ctx);
  TRY(const auto rows,
      session->execute(ctx, journal::step_result(job.fence(),
                                                 {.step_id = step.id,
                                                  .status = task.status,
                                                  .attempts = 0,
                                                  .undo_actions = task.undo_actions},
                                                 job.record().relations())));
  TRY_OK(transaction.commit(ctx));
  job.tell(step.id, "committed");
  note_result(job, task, rows[0].text(0));
  return {};
}

struct Suspect {
  std::string table;       // quoted
  std::string name;        // of the constraint
  std::string expression;  // of the check
  std::string key;         // SQL of one text that names a row
};

Result<std::vector<Suspect>> unproven_checks(const Context& ctx, sql::Session& session,
                                             const std::vector<std::uint32_t>& relations) {
  std::vector<std::string> oids;
  for (const auto oid : relations) oids.push_back(std::to_string(oid));
  sql::Statement ask(
      "SELECT c.conrelid::pg_catalog.regclass::text, c.conname,"
      " pg_catalog.pg_get_expr(c.conbin, c.conrelid),"
      " coalesce((SELECT pg_catalog.string_agg(pg_catalog.format('%L || coalesce(%I::text, %L)',"
      "   a.attname || '=', a.attname, 'NULL'), ' || '', '' || ' ORDER BY k.place)"
      "  FROM pg_catalog.pg_index i, pg_catalog.unnest(i.indkey::int2[])"
      "   WITH ORDINALITY AS k(attnum, place), pg_catalog.pg_attribute a"
      "  WHERE i.indrelid = c.conrelid AND i.indisprimary AND a.attrelid = c.conrelid"
      "   AND a.attnum = k.attnum), '''ctid='' || ctid::text')"
      " FROM pg_catalog.pg_constraint c WHERE c.contype = 'c' AND NOT c.convalidated"
      " AND c.conrelid = ANY ($1::oid[]) ORDER BY 1, 2");
  ask.bind(oids);
  TRY(const auto rows, session.execute(ctx, ask));
  std::vector<Suspect> suspects;
  for (const sql::Row row : rows) {
    suspects.push_back(
        {.table = row.text(0), .name = row.text(1), .expression = row.text(2), .key = row.text(3)});
  }
  return suspects;
}

// Keys of rows that stand in the way of a CHECK; empty when they cannot be found in time.
Result<std::string> failing_rows(const Context& ctx, sql::Session& session,
                                 const std::vector<std::uint32_t>& relations) {
  TRY(const auto suspects, unproven_checks(ctx, session, relations));
  for (const auto& suspect : suspects) {
    // All of it was printed by the server, names quoted.
    const auto ask = fmt::format("SELECT {} FROM {} WHERE NOT ({}) LIMIT {}", suspect.key,
                                 suspect.table, suspect.expression, most_samples);
    TRY(const auto rows, session.execute(ctx, sql::Fragment::trusted(ask)));
    std::string keys;
    for (const sql::Row row : rows) keys += (keys.empty() ? "" : "; ") + row.text(0);
    if (!keys.empty()) return fmt::format("{}: {}", suspect.table, keys);
  }
  return std::string();
}

base::Error with_rows(const Context& ctx, Job& job, base::Error error) {
  const bool check = error.sqlstate == sql::sqlstate::check_violation ||
                     error.sqlstate == sql::sqlstate::not_null_violation;
  error = rows_error(std::move(error));
  if (!check || !error.detail.empty()) return error;
  const auto bounded = ctx.with_timeout(sample_limit);
  auto session = job.onlooker(bounded);
  if (!session) return error;
  auto keys = failing_rows(bounded, **session, job.record().relations());
  if (keys && !keys->empty()) return std::move(error).with_detail("rows that fail: " + *keys);
  return error;
}

}  // namespace

Result<void> run_validate(const Context& ctx, Job& job, const Task& task) {
  if (!task.undo()) {
    TRY_OK(expect_no_drift(ctx, job));
    TRY_OK(write_intent(ctx, job, *task.step));
  }
  job.show(task.step->summary);
  const auto& statements = task.action->statements;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    auto done = validate_one(ctx, job, task, statements[i], i + 1 == statements.size());
    if (!done) return with_rows(ctx, job, std::move(done).error());
  }
  return {};
}

}  // namespace lockkeeper::execute
