#include "dbcore/backfill/shard.h"

namespace lockkeeper::backfill {
namespace {

using base::Result;

// Where we are in the ledger: $1 .. $3, and $4 for the shard.
sql::Statement& bind_place(sql::Statement& statement, const StepKey& key, const Target& target) {
  return statement.bind(key.fence.migration_id).bind(key.step_id).bind(target.relation.oid);
}

sql::Statement& bind_position(sql::Statement& statement, const std::optional<Position>& position) {
  if (position) return statement.bind(std::span<const std::string>(*position));
  return statement.bind(std::nullopt);
}

std::optional<Position> position(const sql::Row& row, int column) {
  if (row.is_null(column)) return {};
  return row.array(column);
}

// The file that a block range belongs to stands behind its lower end.
std::optional<Position> stored_low(const Target& target, const Span& span) {
  if (target.by_key()) return span.after;
  return Position{span.after ? span.after->front() : "0", target.file};
}

Shard read_shard(const sql::Row& row, const std::shared_ptr<const Target>& target) {
  Shard shard;
  shard.target = target;
  shard.number = static_cast<int>(row.integer(0));
  shard.cursor = position(row, 3);
  shard.span.after = shard.cursor ? shard.cursor : position(row, 1);
  shard.span.upto = position(row, 2);
  shard.rows_done = row.integer(4);
  shard.chunk_units = row.integer(5);
  shard.done = row.text(6) == "done";
  return shard;
}

Result<void> insert_shard(const base::Context& ctx, sql::Transaction& transaction,
                          const StepKey& key, const Shard& shard, double rows_estimate) {
  sql::Statement insert(
      "INSERT INTO lockkeeper.backfill (migration_id, step_id, relid, shard, lo, hi, cursor,"
      " rows_done, rows_est, chunk_rows, status) VALUES ($1::pg_catalog.uuid, $2,"
      " $3::pg_catalog.oid, $4::pg_catalog.int4, pg_catalog.to_jsonb($5::pg_catalog.text[]),"
      " pg_catalog.to_jsonb($6::pg_catalog.text[]), NULL, $7::pg_catalog.int8,"
      " $8::pg_catalog.int8, 0, 'running')");
  bind_place(insert, key, *shard.target).bind(shard.number);
  bind_position(insert, stored_low(*shard.target, shard.span));
  bind_position(insert, shard.span.upto);
  insert.bind(shard.rows_done).bind(static_cast<std::int64_t>(rows_estimate));
  TRY_OK(transaction.execute(ctx, insert));
  return {};
}

base::Error moved(const Target& target) {
  return base::conflict("the cursor of " + target.relation.qualified().display() +
                        " is not where it was left, or the table was rewritten")
      .with_reason(std::string(cursor_moved));
}

}  // namespace

Result<std::vector<Shard>> load_shards(const base::Context& ctx, sql::Session& session,
                                       const StepKey& key,
                                       const std::shared_ptr<const Target>& target) {
  sql::Statement ask(
      "SELECT shard, CASE WHEN lo IS NOT NULL THEN"
      "  ARRAY(SELECT pg_catalog.jsonb_array_elements_text(lo)) END,"
      " CASE WHEN hi IS NOT NULL THEN"
      "  ARRAY(SELECT pg_catalog.jsonb_array_elements_text(hi)) END,"
      " CASE WHEN cursor IS NOT NULL THEN"
      "  ARRAY(SELECT pg_catalog.jsonb_array_elements_text(cursor)) END,"
      " rows_done, chunk_rows, status FROM lockkeeper.backfill"
      " WHERE migration_id = $1::pg_catalog.uuid AND step_id = $2"
      " AND relid = $3::pg_catalog.oid ORDER BY shard");
  bind_place(ask, key, *target);
  TRY(const auto rows, session.execute(ctx, ask));
  std::vector<Shard> out;
  for (const sql::Row row : rows) {
    if (!target->by_key()) {
      const auto low = position(row, 1);
      if (!low || low->size() != 2 || low->back() != target->file) return std::vector<Shard>{};
    }
    out.push_back(read_shard(row, target));
  }
  return out;
}

Result<std::vector<Shard>> create_shards(const base::Context& ctx, sql::Session& session,
                                         const StepKey& key,
                                         const std::shared_ptr<const Target>& target, int parts,
                                         std::int64_t rows_done) {
  // Sampled before the transaction begins: it may take a while.
  TRY(const auto whole, extent(ctx, session, *target));
  std::vector<Span> spans;
  if (whole) {
    TRY(spans, split(ctx, session, *target, *whole, parts));
  }
  TRY(auto transaction, fence::begin_fenced(ctx, session, key.fence));
  sql::Statement remove(
      "DELETE FROM lockkeeper.backfill WHERE migration_id = $1::pg_catalog.uuid AND step_id = $2"
      " AND relid = $3::pg_catalog.oid");
  TRY_OK(transaction.execute(ctx, bind_place(remove, key, *target)));
  std::vector<Shard> out;
  for (const Span& span : spans) {
    Shard shard;
    shard.target = target;
    shard.number = static_cast<int>(out.size());
    shard.span = span;
    shard.rows_done = out.empty() ? rows_done : 0;
    TRY_OK(insert_shard(ctx, transaction, key, shard,
                        target->rows / static_cast<double>(spans.size())));
    out.push_back(std::move(shard));
  }
  TRY_OK(transaction.commit(ctx));
  return out;
}

Result<void> advance(const base::Context& ctx, sql::Transaction& transaction, const StepKey& key,
                     const Shard& shard, const Advance& step) {
  sql::Statement update(
      "UPDATE lockkeeper.backfill SET cursor = coalesce("
      "pg_catalog.to_jsonb($5::pg_catalog.text[]), hi), rows_done = rows_done +"
      " $6::pg_catalog.int8, chunk_rows = $7::pg_catalog.int4, status = CASE WHEN"
      " $5::pg_catalog.text[] IS NULL THEN 'done' ELSE 'running' END, updated_at ="
      " pg_catalog.now() WHERE migration_id = $1::pg_catalog.uuid AND step_id = $2"
      " AND relid = $3::pg_catalog.oid AND shard = $4::pg_catalog.int4 AND cursor IS NOT DISTINCT"
      " FROM pg_catalog.to_jsonb($8::pg_catalog.text[]) AND status = 'running'"
      " AND ($9 = '' OR $9 = pg_catalog.pg_relation_filenode($3::pg_catalog.oid)::text)");
  bind_place(update, key, *shard.target).bind(shard.number);
  bind_position(update, step.to).bind(step.rows).bind(step.chunk_units);
  bind_position(update, shard.cursor);
  update.bind(shard.target->by_key() ? std::string() : shard.target->file);
  TRY(const auto rows, transaction.execute(ctx, update));
  if (rows.affected() != 1) return moved(*shard.target);
  return {};
}

}  // namespace lockkeeper::backfill
