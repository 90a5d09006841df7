// The ledger's side of a backfill: which ranges there are and how far each is. All SQL on
// lockkeeper.backfill is here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dbcore/backfill/target.h"
#include "dbcore/fence/fence.h"
#include "dbcore/sql/transaction.h"

namespace lockkeeper::backfill {

struct Shard {
  std::shared_ptr<const Target> target;
  int number = 0;
  Span span;  // what is left: (cursor or lo, hi]
  std::int64_t rows_done = 0;
  std::int64_t chunk_units = 0;  // 0: not known yet
  bool done = false;
  std::optional<Position> cursor;  // as the ledger has it
};

// Names one step of one Migration in the ledger.
struct StepKey {
  const fence::Fence& fence;
  const std::string& step_id;
};

// In order of their numbers. Blocks of a file that was rewritten since are of no use: empty then.
base::Result<std::vector<Shard>> load_shards(const base::Context& ctx, sql::Session& session,
                                             const StepKey& key,
                                             const std::shared_ptr<const Target>& target);

// Replaces whatever the ledger holds for this relation, in one fenced transaction; rows_done goes
// on counting.
base::Result<std::vector<Shard>> create_shards(const base::Context& ctx, sql::Session& session,
                                               const StepKey& key,
                                               const std::shared_ptr<const Target>& target,
                                               int parts, std::int64_t rows_done);

// Reason of the error of advance().
inline constexpr std::string_view cursor_moved = "CursorMoved";

struct Advance {
  std::optional<Position> to;  // the new cursor; empty: the end of the shard
  std::int64_t rows = 0;
  std::int64_t chunk_units = 0;
};
// Inside the transaction of a chunk. conflict when the cursor is not where we left it, or when the
// relation's blocks were rewritten: the chunk must be rolled back.
base::Result<void> advance(const base::Context& ctx, sql::Transaction& transaction,
                           const StepKey& key, const Shard& shard, const Advance& step);

}  // namespace lockkeeper::backfill
