// The workers of one pass: each has a session of its own and takes shards until none is left.
#pragma once

#include <deque>
#include <vector>

#include "dbcore/backfill/chunk.h"
#include "dbcore/backfill/pace.h"
#include "dbcore/base/linked_stop.h"
#include "dbcore/sql/pool.h"

namespace lockkeeper::backfill {

class Crew {
 public:
  Crew(sql::Pool& pool, const Chunk& chunk, const Tuning& tuning, Meter& meter);

  // Runs all shards to their end with at most so many workers. The first error ends all of them.
  // Gives the rows that were filled.
  base::Result<std::int64_t> run(const base::Context& ctx, std::vector<Shard> shards, int workers);

 private:
  struct Shift;
  void work(const base::Context& ctx, Shift& shift, bool needed);
  base::Result<void> work_off(const base::Context& ctx, Shift& shift, sql::Session& session);
  base::Result<void> run_shard(const base::Context& ctx, Shift& shift, sql::Session& session,
                               Shard shard);

  sql::Pool& pool_;
  const Chunk& chunk_;
  const Tuning& tuning_;
  Meter& meter_;
  Pace pace_;
};

}  // namespace lockkeeper::backfill
