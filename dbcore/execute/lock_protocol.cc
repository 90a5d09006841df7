#include "dbcore/execute/lock_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "dbcore/base/backoff.h"
#include "dbcore/sql/sqlstate.h"

namespace lockkeeper::execute {
namespace {

using base::Context;
using base::Result;
using namespace std::chrono_literals;

constexpr auto first_length = 80ms;
constexpr auto doubling = std::chrono::minutes(30);
constexpr int rest_factor = 4;   // a duty of at most a fifth
constexpr auto long_held = 10s;  // then asking is not what is missing
constexpr auto patient_rest = 2s;
constexpr auto doubling_at_end = 8s;
constexpr auto before_end = 70ms;  // looks are 50 ms apart
constexpr auto after_end = 130ms;
constexpr int missed_for_good = 10;     // looks at others
constexpr auto least_lifetime = 500ms;  // those who end sooner need no following
constexpr auto statement_grace = 100ms;
constexpr auto answer_grace = 15s;  // for the server to answer once its own limits have passed
constexpr auto idle_limit = 10s;    // between the two round trips

std::string text(std::chrono::milliseconds value) {
  return fmt::format("{}ms", value.count());
}

std::vector<sql::Fragment> tables_by_oid(std::vector<plan::Relation> relations) {
  std::erase_if(relations, [](const plan::Relation& relation) { return relation.view; });
  std::ranges::sort(relations, {}, &plan::Relation::oid);
  std::vector<sql::Fragment> names;
  names.reserve(relations.size());
  for (const auto& relation : relations) {
    names.push_back(sql::Fragment::trusted(relation.qualified().quoted()));
  }
  return names;
}

// Starts the clock of the budget and sets the limits of the first blocking statement.
sql::Statement first_limits(const Attempt& attempt) {
  sql::Statement set(
      "SELECT pg_catalog.set_config('lockkeeper.asked_at',"
      "  extract(epoch FROM pg_catalog.clock_timestamp())::text, true),"
      " pg_catalog.set_config('lock_timeout', $1, true),"
      " pg_catalog.set_config('statement_timeout', $2, true)");
  const auto statement = attempt.metadata ? attempt.total + statement_grace : attempt.statement;
  set.bind(text(std::min(attempt.wait, attempt.total))).bind(text(statement));
  return set;
}

// What is left of the budget, measured by the server: at least 1 ms, for 0 would mean no limit.
sql::Statement next_limits(const Attempt& attempt) {
  sql::Statement set(
      "SELECT pg_catalog.set_config('lock_timeout',"
      "  greatest(1, least($1::int, left_ms))::text || 'ms', true),"
      " pg_catalog.set_config('statement_timeout', CASE WHEN $3::bool"
      "  THEN (greatest(1, left_ms) + $4::int)::text || 'ms'"
      "  ELSE pg_catalog.current_setting('statement_timeout') END, true)"
      " FROM (SELECT ($2::int - 1000 * (extract(epoch FROM pg_catalog.clock_timestamp())"
      "  - pg_catalog.current_setting('lockkeeper.asked_at')::numeric))::int) AS budget(left_ms)");
  set.bind(attempt.wait.count()).bind(attempt.total.count()).bind(attempt.metadata);
  set.bind(std::chrono::milliseconds(statement_grace).count());
  return set;
}

std::vector<sql::Statement> opening(const Attempt& attempt) {
  auto statements = fence_statements(attempt.fence);
  const auto patience = attempt.deadlock_timeout + 2s;
  statements.push_back(limits(patience, patience + 2s, attempt.application_name));
  const auto tables = tables_by_oid(attempt.locks);
  if (!tables.empty()) {
    statements.emplace_back(
        sql::format("LOCK TABLE {} IN SHARE UPDATE EXCLUSIVE MODE", sql::join(tables)));
  }
  statements.insert(statements.end(), attempt.questions.begin(), attempt.questions.end());
  return statements;
}

std::vector<sql::Statement> blocking_flight(const Attempt& attempt) {
  std::vector<sql::Statement> statements;
  bool first = true;
  for (const auto& statement : attempt.statements) {
    statements.push_back(first ? first_limits(attempt) : next_limits(attempt));
    statements.emplace_back(sql::Fragment::trusted(statement));
    first = false;
  }
  statements.insert(statements.end(), attempt.records.begin(), attempt.records.end());
  statements.emplace_back("COMMIT");
  return statements;
}

Context bounded(const Context& ctx, const Attempt& attempt) {
  if (attempt.metadata) return ctx.with_timeout(attempt.total + answer_grace);
  if (attempt.statement == 0ms) return ctx;
  const auto statements = static_cast<int>(attempt.statements.size());
  return ctx.with_timeout(attempt.statement * statements + answer_grace);
}

}  // namespace

Asking::Asking(std::chrono::milliseconds budget, base::Clock::Steady now)
    : budget_(budget), since_(now), rested_(now), patient_(now) {}

void Asking::expect(Reader reader) {
  followed_ = reader.pid;
  lifetime_ = reader.lifetime;
}

std::chrono::milliseconds Asking::length(base::Clock::Steady now) const {
  const std::chrono::duration<double> step = at_end_ ? doubling_at_end : doubling;
  const double doublings = std::min(20.0, (now - since_) / step);
  const double grown = static_cast<double>(first_length.count()) * std::exp2(doublings);
  return std::min(budget_, std::chrono::milliseconds(std::llround(grown)));
}

void Asking::failed(base::Clock::Steady now, std::chrono::milliseconds asked) {
  const auto rest = asked * rest_factor;
  const auto jitter = std::chrono::milliseconds(
      std::llround(base::random_unit() * 0.5 * static_cast<double>(rest.count())));
  rested_ = now + rest + jitter;
  patient_ = now + std::max<std::chrono::milliseconds>(patient_rest, rest) + jitter;
  if (at_end_) asked_in_this_life_ = true;
  at_end_ = false;
  seen_ = false;
}

bool Asking::due(base::Clock::Steady now, const std::vector<Blocker>& holders) {
  // Where nobody was ever seen, what blocks is out of sight: it gets its rest all the same.
  if (holders.empty()) return seen_ || now >= rested_;
  seen_ = true;
  follow(holders);
  at_end_ = at_its_end();
  if (at_end_) return true;
  const bool followed = lifetime_ >= least_lifetime && lifetime_ < long_held;
  const auto stuck = [](const Blocker& holder) {
    return holder.query_age >= long_held || holder.state == "prepared transaction";
  };
  return now >= (followed || std::ranges::any_of(holders, stuck) ? patient_ : rested_);
}

void Asking::follow(const std::vector<Blocker>& holders) {
  const auto found = std::ranges::find(holders, followed_, &Blocker::pid);
  const bool ended = found == holders.end() || found->held < held_;
  if (ended && held_ > 0ms) {
    // Its end was seen, unless it came while we asked and did not look.
    if (!asked_in_this_life_ || lifetime_ == 0ms) lifetime_ = held_;
    if (lifetime_ < least_lifetime) lifetime_ = 0ms;
    asked_in_this_life_ = false;
    held_ = 0ms;
  }
  if (found != holders.end()) {
    held_ = found->held;
    missed_ = 0;
  } else if (lifetime_ == 0ms || ++missed_ >= missed_for_good) {
    lifetime_ = 0ms;
    missed_ = 0;
    followed_ = holders.front().pid;
    held_ = holders.front().held;
  }
}

bool Asking::at_its_end() const {
  if (lifetime_ < least_lifetime || asked_in_this_life_ || held_ == 0ms) return false;
  return held_ >= lifetime_ - before_end && held_ <= lifetime_ + after_end;
}

Result<sql::Rows> attempt(const Context& ctx, sql::Session& session, const Attempt& attempt) {
  const auto first = opening(attempt);
  auto opened = session.pipeline(ctx.with_timeout(attempt.deadlock_timeout + answer_grace), first);
  auto transaction = sql::Transaction::adopt(session);
  if (!opened) return fence_error(std::move(opened).error());
  if (attempt.judge) {
    const std::span<const sql::Rows> answers(*opened);
    TRY_OK(attempt.judge(answers.last(attempt.questions.size())));
  }
  if (attempt.asked) attempt.asked();
  auto done = session.pipeline(bounded(ctx, attempt), blocking_flight(attempt));
  if (!done) return std::move(done).error();
  auto rows = std::move(done).value();
  if (attempt.records.empty()) return sql::Rows();
  return std::move(rows[rows.size() - 2]);
}

bool blocked(const base::Error& error) {
  const auto& state = error.sqlstate;
  return state == sql::sqlstate::lock_not_available || state == sql::sqlstate::query_canceled ||
         state == sql::sqlstate::deadlock_detected || state == sql::sqlstate::serialization_failure;
}

sql::Statement limits(std::chrono::milliseconds lock, std::chrono::milliseconds statement,
                      std::string_view application_name) {
  sql::Statement set(
      "SELECT pg_catalog.set_config('lock_timeout', $1, true),"
      " pg_catalog.set_config('statement_timeout', $2, true),"
      " pg_catalog.set_config('idle_in_transaction_session_timeout', $3, true),"
      " pg_catalog.set_config('application_name', $4, true)");
  set.bind(text(lock)).bind(text(statement)).bind(text(idle_limit)).bind(application_name);
  return set;
}

}  // namespace lockkeeper::execute
