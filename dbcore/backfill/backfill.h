// Fills the new shape of a table in chunks, each with its cursor in the same fenced transaction.
//
// run() blocks until nothing is pending, the context stops, or an error says what must change
// first. Killing it at any instant loses nothing: called again it goes on from the ledger. One
// run() per step at a time; sessions come from the pool (one per shard, one to observe).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "dbcore/backfill/throttle.h"
#include "dbcore/fence/fence.h"
#include "dbcore/plan/step.h"
#include "dbcore/sql/pool.h"

namespace lockkeeper::backfill {

struct Progress {
  std::int64_t rows_done = 0;
  std::int64_t rows_total = 0;  // an estimate until it is done
  double rows_per_second = 0;   // smoothed
  std::optional<std::chrono::seconds> remaining;
  std::string throttled;  // why it waits or goes slower; empty: it does not
  bool operator==(const Progress&) const = default;
};
using Report = std::function<void(const Progress&)>;

// Rows that refuse (a cast that fails, a constraint): precondition, reason RowFails, detail with
// the key of one failing row and what the server said. A lag that cannot be seen: precondition
// LagUnknown.
base::Result<Progress> run(const base::Context& ctx, sql::Pool& pool, const fence::Fence& fence,
                           const std::string& step_id, const plan::Backfill& backfill,
                           const Tuning& tuning, const Report& report);

// Whether a pending row exists: "done" is this, never the cursor.
base::Result<bool> pending(const base::Context& ctx, sql::Session& session,
                           const plan::Backfill& backfill);

}  // namespace lockkeeper::backfill
