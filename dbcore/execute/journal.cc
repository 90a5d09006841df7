#include "dbcore/execute/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "dbcore/plan/codec.h"
#include "dbcore/sql/sqlstate.h"

namespace lockkeeper::execute {
namespace {

using base::Context;
using base::Result;

constexpr std::array<std::pair<State, std::string_view>, 7> state_names = {{
    {State::running, "running"},
    {State::ready, "ready"},
    {State::contracting, "contracting"},
    {State::completed, "completed"},
    {State::rolling_back, "rolling_back"},
    {State::rolled_back, "rolled_back"},
    {State::orphaned, "orphaned"},
}};

constexpr std::array<std::pair<StepStatus, std::string_view>, 5> status_names = {{
    {StepStatus::pending, "pending"},
    {StepStatus::running, "running"},
    {StepStatus::done, "done"},
    {StepStatus::failed, "failed"},
    {StepStatus::undone, "undone"},
}};

template <typename E, std::size_t N>
std::string_view name_of(const std::array<std::pair<E, std::string_view>, N>& names, E value) {
  const auto found = std::ranges::find(names, value, &std::pair<E, std::string_view>::first);
  return found->second;
}

template <typename E, std::size_t N>
std::optional<E> value_of(const std::array<std::pair<E, std::string_view>, N>& names,
                          std::string_view name) {
  const auto found = std::ranges::find(names, name, &std::pair<E, std::string_view>::second);
  if (found == names.end()) return std::nullopt;
  return found->first;
}

std::optional<std::chrono::system_clock::time_point> time_at(const sql::Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return std::chrono::system_clock::time_point(std::chrono::microseconds(row.integer(column)));
}

std::vector<std::string> oid_texts(const std::vector<std::uint32_t>& oids) {
  std::vector<std::string> texts;
  texts.reserve(oids.size());
  for (const auto oid : oids) texts.push_back(std::to_string(oid));
  return texts;
}

constexpr std::string_view record_columns =
    "m.id, m.database_schema, m.name, m.state, m.orphaned, m.epoch, m.plan, m.operations_sha256, "
    "m.approval_sha256, m.facts, m.fingerprint, m.signature, m.facts_signature, m.owner, "
    "m.system_identifier, m.database_oid, "
    "(extract(epoch FROM m.created_at) * 1000000)::bigint, "
    "(extract(epoch FROM m.state_since) * 1000000)::bigint";

constexpr std::string_view step_columns =
    "s.migration_id, s.step_id, s.status, s.attempts, s.undo_actions, s.last_error, "
    "(extract(epoch FROM s.started_at) * 1000000)::bigint, "
    "(extract(epoch FROM s.finished_at) * 1000000)::bigint";

Result<Record> read_record(const sql::Row& row) {
  Record record;
  record.id = row.text(0);
  record.identity = {row.text(1), row.text(2)};
  const auto state = value_of(state_names, row.view(3));
  if (!state) return base::internal("the ledger holds an unknown state").with_detail(row.text(3));
  record.state = *state;
  const bool terminal = *state == State::completed || *state == State::rolled_back;
  if (row.boolean(4) && !terminal) record.state = State::orphaned;
  record.epoch = row.integer(5);
  auto plan = plan::from_json(row.view(6));
  if (!plan) return std::move(plan).error().within("the ledger's plan of " + record.identity.name);
  record.plan = std::move(plan).value();
  record.operations_hash = row.text(7);
  record.approval_hash = row.text(8);
  record.facts = row.array(9);
  record.fingerprint = row.text(10);
  record.signature = row.text(11);
  record.facts_signature = row.text(12);
  record.owner = row.text(13);
  record.system_identifier = row.text(14);
  record.database_oid = static_cast<std::uint32_t>(row.integer(15));
  record.created_at = time_at(row, 16).value_or(std::chrono::system_clock::time_point{});
  record.state_since = time_at(row, 17).value_or(std::chrono::system_clock::time_point{});
  return record;
}

Result<StepRecord> read_step(const sql::Row& row) {
  StepRecord step;
  step.id = row.text(1);
  const auto status = value_of(status_names, row.view(2));
  if (!status) return base::internal("the ledger holds an unknown status").with_detail(row.text(2));
  step.status = *status;
  step.attempts = static_cast<int>(row.integer(3));
  step.undo_actions = static_cast<int>(row.integer(4));
  step.last_error = row.text(5);
  step.started_at = time_at(row, 6);
  step.finished_at = time_at(row, 7);
  return step;
}

Result<std::vector<Record>> read_records(const sql::Rows& records, const sql::Rows& steps) {
  std::vector<Record> found;
  for (const sql::Row row : records) {
    TRY(auto record, read_record(row));
    found.push_back(std::move(record));
  }
  for (const sql::Row row : steps) {
    const auto owner = std::ranges::find(found, row.view(0), &Record::id);
    if (owner == found.end()) continue;
    TRY(auto step, read_step(row));
    owner->steps.push_back(std::move(step));
  }
  return found;
}

Result<sql::Rows> run(const Context& ctx, sql::Session& session, sql::Statement statement,
                      const Fence& fence) {
  statement.bind(fence.migration_id);
  return session.execute(ctx, statement);
}

struct StepArrays {
  std::vector<std::string> ids;
  std::vector<std::string> phases;
};

StepArrays step_arrays(const plan::Plan& plan) {
  StepArrays arrays;
  for (const auto& step : plan.steps) {
    arrays.ids.push_back(step.id);
    arrays.phases.emplace_back(plan::to_string(step.stage));
  }
  return arrays;
}

sql::Statement insert_statement(const journal::Start& start) {
  const auto arrays = step_arrays(start.plan);
  std::vector<std::string> relations;
  for (const auto& table : start.plan.tables) relations.push_back(std::to_string(table.oid));
  sql::Statement insert(
      "WITH m AS ("
      " INSERT INTO lockkeeper.migration (database_schema, name, state, owner, format, plan,"
      "   plan_sha256, operations_sha256, approval_sha256, facts, fingerprint, signature,"
      "   facts_signature, system_identifier, database_oid)"
      " VALUES ($1, $2, 'running', $3, $4::int, $5::jsonb, $6, $7, $8, $9::text[], $10, $11, $11,"
      "   $12, $13::oid) RETURNING id), "
      "s AS (INSERT INTO lockkeeper.step (migration_id, step_id, ordinal, phase)"
      " SELECT m.id, t.step_id, t.ordinal, t.phase FROM m,"
      "  unnest($14::text[], $15::text[]) WITH ORDINALITY AS t(step_id, phase, "
      "ordinal)),"
      "c AS (INSERT INTO lockkeeper.claim (relid, migration_id)"
      " SELECT t.relid, m.id FROM m, pg_catalog.unnest($16::oid[]) AS t(relid)"
      " ON CONFLICT DO NOTHING RETURNING relid) "
      "SELECT m.id, (SELECT pg_catalog.count(*) FROM c) FROM m");
  insert.bind(start.identity.schema).bind(start.identity.name).bind(process_token());
  insert.bind(start.plan.format).bind(plan::to_json(start.plan)).bind(start.plan.hash);
  insert.bind(start.operations_hash).bind(start.approval_hash).bind(start.facts);
  insert.bind(start.plan.fingerprint).bind(start.signature).bind(start.system_identifier);
  insert.bind(start.database_oid).bind(arrays.ids).bind(arrays.phases).bind(relations);
  return insert;
}

}  // namespace

std::string_view to_string(State state) {
  return name_of(state_names, state);
}

Fence Record::fence(const std::string& database) const {
  return {.database = database, .migration_id = id, .epoch = epoch};
}

const StepRecord* Record::step(std::string_view step_id) const {
  const auto found = std::ranges::find(steps, step_id, &StepRecord::id);
  return found == steps.end() ? nullptr : &*found;
}

std::vector<std::uint32_t> Record::relations() const {
  std::vector<std::uint32_t> oids;
  oids.reserve(plan.tables.size());
  for (const auto& table : plan.tables) oids.push_back(table.oid);
  return oids;
}

namespace journal {

Result<std::optional<Record>> find(const Context& ctx, sql::Session& session,
                                   const Identity& identity) {
  std::vector<sql::Statement> statements;
  statements.emplace_back(sql::Fragment::trusted(
      fmt::format("SELECT {} FROM lockkeeper.migration m WHERE m.database_schema = $1 AND m.name = "
                  "$2 ORDER BY m.state = 'rolled_back', m.created_at DESC LIMIT 1",
                  record_columns)));
  statements.emplace_back(sql::Fragment::trusted(fmt::format(
      "SELECT {} FROM lockkeeper.step s JOIN lockkeeper.migration m ON m.id = s.migration_id WHERE "
      "m.database_schema = $1 AND m.name = $2 ORDER BY s.ordinal",
      step_columns)));
  for (auto& statement : statements) statement.bind(identity.schema).bind(identity.name);
  TRY(const auto rows, session.pipeline(ctx, statements));
  TRY(auto records, read_records(rows[0], rows[1]));
  if (records.empty()) return std::optional<Record>();
  return std::optional<Record>(std::move(records.front()));
}

Result<std::vector<Record>> list(const Context& ctx, sql::Session& session) {
  std::vector<sql::Statement> statements;
  statements.emplace_back(sql::Fragment::trusted(fmt::format(
      "SELECT {} FROM lockkeeper.migration m ORDER BY m.created_at, m.id", record_columns)));
  statements.emplace_back(sql::Fragment::trusted(fmt::format(
      "SELECT {} FROM lockkeeper.step s ORDER BY s.migration_id, s.ordinal", step_columns)));
  TRY(const auto rows, session.pipeline(ctx, statements));
  return read_records(rows[0], rows[1]);
}

Result<void> find_claim(const Context& ctx, sql::Session& session, const Identity& identity,
                        const plan::Plan& plan) {
  std::vector<std::string> relations;
  relations.reserve(plan.tables.size());
  for (const auto& table : plan.tables) relations.push_back(std::to_string(table.oid));
  sql::Statement ask(
      "SELECT m.name, c.relid::pg_catalog.regclass::text FROM lockkeeper.claim c"
      " JOIN lockkeeper.migration m ON m.id = c.migration_id"
      " WHERE c.relid = ANY ($1::oid[]) AND NOT (m.database_schema = $2 AND m.name = $3)"
      " ORDER BY 1, 2 LIMIT 1");
  ask.bind(relations).bind(identity.schema).bind(identity.name);
  TRY(const auto rows, session.execute(ctx, ask));
  if (rows.empty()) return {};
  return base::precondition(fmt::format("waits for {}", rows[0].view(0)))
      .with_reason("TableClaimed")
      .with_detail(fmt::format("table {} is being changed by it", rows[0].view(1)));
}

Result<Record> start(const Context& ctx, sql::Session& session, const Start& start) {
  TRY(auto transaction, sql::Transaction::begin(ctx, session));
  auto inserted = session.execute(ctx, insert_statement(start));
  if (!inserted) {
    if (inserted.error().sqlstate != sql::sqlstate::unique_violation) return inserted.error();
    return base::conflict(fmt::format("{} is in the ledger already", start.identity.name));
  }
  const auto claimed = static_cast<std::size_t>((*inserted)[0].integer(1));
  if (claimed != start.plan.tables.size()) {
    TRY_OK(transaction.rollback(ctx));
    TRY_OK(find_claim(ctx, session, start.identity, start.plan));
    return base::conflict("the claims on the tables just changed");
  }
  TRY(auto record, find(ctx, session, start.identity));
  if (!record) return base::internal("a row just written to the ledger cannot be read");
  TRY_OK(transaction.commit(ctx));
  return std::move(*record);
}

Result<std::string> signature(const Context& ctx, sql::Session& session,
                              const std::vector<std::uint32_t>& relations) {
  sql::Statement ask("SELECT lockkeeper.signature($1::oid[])");
  ask.bind(oid_texts(relations));
  TRY(const auto rows, session.execute(ctx, ask));
  return rows[0].text(0);
}

Result<void> set_state(const Context& ctx, sql::Session& session, const Fence& fence, State state) {
  sql::Statement update(
      "UPDATE lockkeeper.migration SET state = $1, state_since = pg_catalog.now(),"
      " updated_at = pg_catalog.now() WHERE id = $2::uuid AND state <> $1");
  update.bind(to_string(state));
  TRY_OK(run(ctx, session, std::move(update), fence));
  return append_event(ctx, session, fence, "State", to_string(state));
}

Result<void> set_step(const Context& ctx, sql::Session& session, const Fence& fence,
                      std::string_view step_id, StepStatus status, std::string_view error) {
  sql::Statement update(
      "UPDATE lockkeeper.step SET status = $1, last_error = $2,"
      " attempts = attempts + ($1 = 'running')::int,"
      " started_at = coalesce(started_at, pg_catalog.clock_timestamp()),"
      " finished_at = CASE WHEN $1 IN ('done', 'undone') THEN pg_catalog.clock_timestamp() END"
      " WHERE step_id = $3 AND migration_id = $4::uuid");
  update.bind(name_of(status_names, status)).bind(error).bind(step_id);
  TRY_OK(run(ctx, session, std::move(update), fence));
  return {};
}

Result<void> set_facts(const Context& ctx, sql::Session& session, const Fence& fence,
                       const std::vector<std::string>& facts, std::string_view signature) {
  sql::Statement update(
      "UPDATE lockkeeper.migration SET facts = $1::text[], signature = $2, facts_signature = $2,"
      " updated_at = pg_catalog.now() WHERE id = $3::uuid");
  update.bind(facts).bind(signature);
  TRY_OK(run(ctx, session, std::move(update), fence));
  return {};
}

Result<void> release_claims(const Context& ctx, sql::Session& session, const Fence& fence) {
  TRY_OK(run(ctx, session, "DELETE FROM lockkeeper.claim WHERE migration_id = $1::uuid", fence));
  return {};
}

Result<void> append_event(const Context& ctx, sql::Session& session, const Fence& fence,
                          std::string_view kind, std::string_view detail) {
  sql::Statement insert(
      "INSERT INTO lockkeeper.event (kind, detail, migration_id) VALUES ($1, $2, $3::uuid)");
  insert.bind(kind).bind(detail);
  TRY_OK(run(ctx, session, std::move(insert), fence));
  return {};
}

Result<void> mark_orphaned(const Context& ctx, sql::Session& session, const Identity& identity) {
  sql::Statement update(
      "UPDATE lockkeeper.migration SET orphaned = true, updated_at = pg_catalog.now()"
      " WHERE database_schema = $1 AND name = $2 AND state NOT IN ('completed', 'rolled_back')");
  update.bind(identity.schema).bind(identity.name);
  TRY_OK(session.execute(ctx, update));
  return {};
}

sql::Statement step_result(const Fence& fence, const StepResult& result,
                           const std::vector<std::uint32_t>& relations) {
  sql::Statement update(
      "WITH s AS (UPDATE lockkeeper.step SET status = $1, last_error = '',"
      "  attempts = attempts + $2::int, undo_actions = $3::int,"
      "  started_at = coalesce(started_at, pg_catalog.clock_timestamp()"
      "    - $4::bigint * interval '1 millisecond'),"
      "  finished_at = CASE WHEN $1 IN ('done', 'undone') THEN pg_catalog.clock_timestamp() END"
      "  WHERE migration_id = $5::uuid AND step_id = $6) "
      "UPDATE lockkeeper.migration SET signature = lockkeeper.signature($7::oid[]),"
      " updated_at = pg_catalog.now() WHERE id = $5::uuid RETURNING signature");
  update.bind(name_of(status_names, result.status)).bind(result.attempts);
  update.bind(result.undo_actions).bind(result.took.count()).bind(fence.migration_id);
  update.bind(result.step_id).bind(oid_texts(relations));
  return update;
}

}  // namespace journal
}  // namespace lockkeeper::execute
