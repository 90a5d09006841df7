// Who stands in the way of a lock: sampled by the observer session while somebody waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dbcore/base/context.h"
#include "dbcore/sql/session.h"

namespace lockkeeper::execute {

struct Blocker {
  int pid = 0;
  std::string user;
  std::string application_name;
  std::chrono::seconds query_age{0};
  bool age_at_least = false;  // our role may not see it: counted since first seen
  std::string state;          // active, idle in transaction, autovacuum, prepared transaction
  std::string lock_mode;
  std::chrono::milliseconds held{0};  // since its transaction began; 0: not visible
  std::string transaction;            // which one it is, visible to everybody; empty: none
  bool operator==(const Blocker&) const = default;
};

// Of a backend that waits right now; empty when it does not.
base::Result<std::vector<Blocker>> blockers_of(const base::Context& ctx, sql::Session& observer,
                                               int waiting_pid);
// Who holds locks on these tables that conflict with `mode`, without asking for the lock.
base::Result<std::vector<Blocker>> holders(const base::Context& ctx, sql::Session& observer,
                                           const std::vector<std::uint32_t>& relations,
                                           std::string_view mode);
// The same question as a statement of a pipeline, and its answer.
sql::Statement holders_question(const std::vector<std::uint32_t>& relations, std::string_view mode);
std::vector<Blocker> read_holders(const sql::Rows& rows);

}  // namespace lockkeeper::execute
