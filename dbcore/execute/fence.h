// What keeps a deposed operator from acting: every transaction that changes anything begins here.
//
// The rules (each paid for by an experiment, see README): READ COMMITTED; first the shared advisory
// lock on F, then as a separate statement the epoch. No session of ours ever waits on F while it
// holds a snapshot.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "dbcore/base/context.h"
#include "dbcore/sql/advisory_lock.h"
#include "dbcore/sql/transaction.h"

namespace lockkeeper::execute {

// Names one Migration at one epoch. A value.
struct Fence {
  std::string database;      // current_database()
  std::string migration_id;  // uuid in lockkeeper.migration
  std::int64_t epoch = 0;

  // 'lockkeeper:fence:<db>:<migration>'
  [[nodiscard]] sql::AdvisoryKey key() const;
  [[nodiscard]] sql::AdvisoryKey step_key(std::string_view step_id) const;
};

// Opens a transaction and passes the fence; one round trip. precondition with reason Fenced when
// the epoch is no longer ours.
base::Result<sql::Transaction> begin_fenced(const base::Context& ctx, sql::Session& session,
                                            const Fence& fence);

// For work outside a transaction block (CONCURRENTLY): the session itself holds the step key
// exclusively and F shared, and the epoch was checked after. Empty when the step key is held: the
// old build lives.
class ConcurrentFence {
 public:
  static base::Result<std::optional<ConcurrentFence>> enter(const base::Context& ctx,
                                                            sql::Session& session,
                                                            const Fence& fence,
                                                            std::string_view step_id);
  base::Result<void> leave(const base::Context& ctx);

 private:
  ConcurrentFence(sql::AdvisoryLock step, sql::AdvisoryLock shared);
  sql::AdvisoryLock step_;
  sql::AdvisoryLock shared_;
};

// epoch+1, then waits by short tries until everything of older epochs has drained; at `patience`
// the holders are terminated. Gives the fence to act under.
base::Result<Fence> take_over(const base::Context& ctx, sql::Session& session,
                              const std::string& migration_id,
                              std::chrono::milliseconds patience = std::chrono::seconds(30));

}  // namespace lockkeeper::execute
