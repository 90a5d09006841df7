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

namespace lockkeeper::fence {

// Names this process in the ledger; random, made at first use.
const std::string& process_token();

// Names one Migration at one epoch. A value.
struct Fence {
  std::string database;      // current_database()
  std::string migration_id;  // uuid in lockkeeper.migration
  std::int64_t epoch = 0;

  // 'lockkeeper:fence:<db>:<migration>'
  [[nodiscard]] sql::AdvisoryKey key() const;
  [[nodiscard]] sql::AdvisoryKey step_key(std::string_view step_id) const;
};

// BEGIN and the fence as statements of a pipeline: it ends there unless the epoch is ours (explain
// its error with fence_error).
std::vector<sql::Statement> fence_statements(const Fence& fence);
// Fenced (precondition), or a fence that is being drained (unavailable); other errors as they come.
base::Error fence_error(base::Error error);

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
// The same, but only from the epoch that we hold: after a lost connection, whose server process may
// still act, nothing of ours goes on beside it. precondition Fenced when somebody else took over.
base::Result<Fence> renew(const base::Context& ctx, sql::Session& session, const Fence& fence,
                          std::chrono::milliseconds patience = std::chrono::seconds(10));
// Ends the sessions that hold this key, ours excepted; how many.
base::Result<std::int64_t> terminate_holders(const base::Context& ctx, sql::Session& session,
                                             const sql::AdvisoryKey& key);

}  // namespace lockkeeper::fence
