#include "dbcore/backfill/chunk.h"

#include <fmt/format.h>

#include "dbcore/backfill/failing_row.h"

namespace lockkeeper::backfill {
namespace {

using base::Result;
using sql::Fragment;

// Locks only what nobody else has locked: with a plain UPDATE it was the client that became the
// victim of a deadlock. The array keeps the planner from joining the table to itself.
sql::Statement fill(const plan::Backfill& backfill, const Target& target, const Span& span) {
  const Predicate range = in_span(target, span);
  const std::string table = target.table().text();
  sql::Statement update{Fragment::trusted(
      fmt::format("UPDATE {} SET {} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {} WHERE {} AND ({})"
                  " FOR NO KEY UPDATE SKIP LOCKED))",
                  table, backfill.assignments, table, range.text, backfill.pending))};
  bind_all(update, range.values);
  return update;
}

struct Filled {
  std::int64_t rows = 0;
  std::optional<base::Error> row_error;  // the transaction was rolled back
};

Result<Filled> fill_in_transaction(const base::Context& ctx, sql::Session& session,
                                   const Chunk& chunk, const Shard& shard, const Span& span,
                                   const Advance& base_advance) {
  TRY(auto transaction, fence::begin_fenced(ctx, session, chunk.key.fence));
  const auto settings = chunk_settings(chunk.backfill.table, chunk.backfill.routed);
  TRY_OK(session.pipeline(ctx, settings));
  auto updated = transaction.execute(ctx, fill(chunk.backfill, *shard.target, span));
  if (!updated.ok()) {
    if (!blames_a_row(updated.error())) return std::move(updated).error();
    TRY_OK(transaction.rollback(ctx));
    return Filled{0, std::move(updated).error()};
  }
  Advance step = base_advance;
  step.rows = updated->affected();
  TRY_OK(advance(ctx, transaction, chunk.key, shard, step));
  TRY_OK(transaction.commit(ctx));
  return Filled{step.rows, {}};
}

}  // namespace

bool blames_a_row(const base::Error& error) {
  if (error.sqlstate.size() != 5 || error.sqlstate == "42501") return false;
  return error.code == base::ErrorCode::precondition;
}

std::vector<sql::Statement> chunk_settings(const plan::Relation& table, bool routed) {
  std::vector<sql::Statement> all;
  all.emplace_back("SET LOCAL synchronous_commit = off");
  // The application's own triggers fire for our rows too, and were written for its search_path.
  all.emplace_back(sql::format("SET LOCAL search_path = pg_catalog, {}, public, pg_temp",
                               sql::Identifier::trusted(table.schema)));
  if (routed) all.emplace_back("SET LOCAL lockkeeper.backfill = 'on'");
  return all;
}

Result<std::int64_t> run_chunk(const base::Context& ctx, sql::Session& session, const Chunk& chunk,
                               Shard& shard, Servo& servo) {
  const auto start = ctx.clock().now();
  const Target& target = *shard.target;
  TRY(const auto end, boundary(ctx, session, target, shard.span, servo.size()));
  const Span span{shard.span.after, end ? end : shard.span.upto};
  TRY(const auto filled,
      fill_in_transaction(ctx, session, chunk, shard, span, {end, 0, servo.size()}));
  if (filled.row_error) {
    return name_failing_row(ctx, session, chunk, target, span, *filled.row_error);
  }
  if (end) servo.record(servo.size(), ctx.clock().now() - start);
  shard.cursor = end ? end : shard.span.upto;
  shard.span.after = shard.cursor;
  shard.rows_done += filled.rows;
  shard.done = !end;
  return filled.rows;
}

}  // namespace lockkeeper::backfill
