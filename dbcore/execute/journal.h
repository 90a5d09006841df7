// The ledger: what a Migration is and has done, in schema lockkeeper of the database it changes.
// All SQL on the ledger is behind this. Stateless; every call is given its session.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dbcore/base/context.h"
#include "dbcore/fence/fence.h"
#include "dbcore/plan/plan.h"
#include "dbcore/sql/session.h"

namespace lockkeeper::execute {

using fence::begin_fenced;
using fence::ConcurrentFence;
using fence::Fence;
using fence::fence_error;
using fence::fence_statements;
using fence::process_token;
using fence::renew;
using fence::take_over;
using fence::terminate_holders;

// Who a Migration is in this database.
struct Identity {
  std::string schema;  // target schema
  std::string name;    // "namespace/name"
  bool operator==(const Identity&) const = default;
};

// How far it is; each value says how it ends.
enum class State {
  running,       // expand .. verify, until all of those steps are done
  ready,         // expanded and verified: until contract or rollback is asked for
  contracting,   // until completed; no way back
  completed,     // terminal
  rolling_back,  // until rolled_back
  rolled_back,   // terminal
  orphaned,      // the object let go of it; adoptable
};
std::string_view to_string(State state);

enum class StepStatus { pending, running, done, failed, undone };

struct StepRecord {
  std::string id;
  StepStatus status = StepStatus::pending;
  int attempts = 0;
  int undo_actions = 0;  // how many of the step's undo actions have been carried out
  std::string last_error;
  std::optional<std::chrono::system_clock::time_point> started_at;
  std::optional<std::chrono::system_clock::time_point> finished_at;
};

struct Record {
  std::string id;
  Identity identity;
  State state = State::running;
  std::int64_t epoch = 0;
  plan::Plan plan;              // frozen at start
  std::string operations_hash;  // of spec.operations: the same name with others is NameReused
  std::string approval_hash;    // plan hash that was approved, may be empty
  std::vector<std::string>
      facts;  // of the schema after the last step: what drift is measured against
  std::string fingerprint;
  std::string signature;        // lockkeeper.signature() as the last step left it
  std::string facts_signature;  // the one that belongs to `facts`; another one: facts are behind
  std::string owner;            // the process that holds the epoch: process_token()
  std::string system_identifier;
  std::uint32_t database_oid = 0;
  std::vector<StepRecord> steps;  // one per plan step, in order
  std::chrono::system_clock::time_point created_at;
  std::chrono::system_clock::time_point state_since;

  [[nodiscard]] Fence fence(const std::string& database) const;
  [[nodiscard]] const StepRecord* step(std::string_view step_id) const;
  // Oids of all relations that the plan touches.
  [[nodiscard]] std::vector<std::uint32_t> relations() const;
};

namespace journal {

// Makes the ledger or brings it to this version's form; safe from several operators at once.
// precondition LedgerForbidden with the lines a DBA must run; precondition LedgerTooNew.
base::Result<void> install(const base::Context& ctx, sql::Session& session);
// Takes the ledger away again, with the whole schema; whether there was one. precondition
// LedgerInUse while a Migration is not over: only the ledger knows what its tables hold.
base::Result<bool> uninstall(const base::Context& ctx, sql::Session& session);
// The SQL that install() would run on an empty database, for `lockkeeper ledger --print-sql`.
std::string install_sql();

base::Result<std::optional<Record>> find(const base::Context& ctx, sql::Session& session,
                                         const Identity& identity);
base::Result<std::vector<Record>> list(const base::Context& ctx, sql::Session& session);

struct Start {
  Identity identity;
  plan::Plan plan;
  std::string operations_hash;
  std::string approval_hash;
  std::string system_identifier;
  std::uint32_t database_oid = 0;
  std::vector<std::string> facts;  // of the plan's tables as they are now
  std::string signature;           // of the moment before those were read
};
// ok when no other Migration claims one of the plan's tables; else precondition TableClaimed that
// names the holder.
base::Result<void> find_claim(const base::Context& ctx, sql::Session& session,
                              const Identity& identity, const plan::Plan& plan);

// One transaction: the migration row, its steps and its claims on the tables. precondition with
// reason TableClaimed naming the holder.
base::Result<Record> start(const base::Context& ctx, sql::Session& session, const Start& start);

// lockkeeper.signature() of these relations: equal as long as nobody altered them.
base::Result<std::string> signature(const base::Context& ctx, sql::Session& session,
                                    const std::vector<std::uint32_t>& relations);

// Inside a fenced transaction.
base::Result<void> set_state(const base::Context& ctx, sql::Session& session, const Fence& fence,
                             State state);
base::Result<void> set_step(const base::Context& ctx, sql::Session& session, const Fence& fence,
                            std::string_view step_id, StepStatus status,
                            std::string_view error = {});
base::Result<void> set_facts(const base::Context& ctx, sql::Session& session, const Fence& fence,
                             const std::vector<std::string>& facts, std::string_view signature);
base::Result<void> release_claims(const base::Context& ctx, sql::Session& session,
                                  const Fence& fence);
base::Result<void> append_event(const base::Context& ctx, sql::Session& session, const Fence& fence,
                                std::string_view kind, std::string_view detail);

// The record keeps its claims until somebody adopts it (take_over) or rolls it back.
base::Result<void> mark_orphaned(const base::Context& ctx, sql::Session& session,
                                 const Identity& identity);

// What a finished step leaves, to travel with its DDL: the step's row, and the signature of the
// schema as it is then (one row, one column: the signature).
struct StepResult {
  std::string step_id;
  StepStatus status = StepStatus::done;
  int attempts = 1;      // tries since the row was last written
  int undo_actions = 0;  // of a step that is being undone
  std::chrono::milliseconds took{0};
};
sql::Statement step_result(const Fence& fence, const StepResult& result,
                           const std::vector<std::uint32_t>& relations);

}  // namespace journal
}  // namespace lockkeeper::execute
