// One chunk of a backfill: its rows and its cursor in one fenced transaction.
#pragma once

#include <cstdint>

#include "dbcore/backfill/servo.h"
#include "dbcore/backfill/shard.h"

namespace lockkeeper::backfill {

struct Chunk {
  const plan::Backfill& backfill;
  StepKey key;
};

// Visits the next `units` of a shard and moves its cursor. Gives the rows that it filled. Nothing
// has happened when it fails; precondition RowFails when a row's own value refused.
base::Result<std::int64_t> run_chunk(const base::Context& ctx, sql::Session& session,
                                     const Chunk& chunk, Shard& shard, Servo& servo);

// What a chunk's transaction sets before anything else.
std::vector<sql::Statement> chunk_settings(const plan::Relation& table, bool routed);

// Rows change by what they hold, not by how the SQL is written: such an error has one row to blame.
bool blames_a_row(const base::Error& error);

}  // namespace lockkeeper::backfill
