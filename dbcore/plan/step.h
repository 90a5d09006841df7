// A step is data: what will run, under which lock, how it is known to be done, and how it is
// undone. Plain values; JSON both ways in plan/codec.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dbcore/sql/identifier.h"

namespace lockkeeper::plan {

// In the order in which a Migration goes through them.
enum class Stage { expand, backfill, index, validate, verify, contract };

enum class LockMode {
  none,
  access_share,
  row_share,
  row_exclusive,
  share_update_exclusive,
  share,
  share_row_exclusive,
  exclusive,
  access_exclusive
};

// What its duration depends on.
enum class DurationClass { metadata, scan, batched, index_build, rewrite };

// hazard: needs approval (loses data, blocks beyond lockTimeout, cannot be undone before contract).
// notice: shown only.
enum class Severity { notice, hazard };

struct Finding {
  Severity severity = Severity::notice;
  std::string rule;  // L028 ..., or a CamelCase word where no lint rule fits
  std::string step;  // id, or empty for the whole plan
  std::string message;
  bool operator==(const Finding&) const = default;
};

struct Relation {
  std::uint32_t oid = 0;
  std::string schema;
  std::string name;
  bool view = false;
  [[nodiscard]] sql::QualifiedName qualified() const {
    return {sql::Identifier::trusted(schema), sql::Identifier::trusted(name)};
  }
  bool operator==(const Relation&) const = default;
};

// How statements run.
enum class ActionKind {
  transaction,   // all statements in one transaction under the lock protocol (engine: 2.4)
  concurrently,  // one statement outside a transaction: CREATE/DROP INDEX CONCURRENTLY, VACUUM
  validate,  // VALIDATE CONSTRAINT: own transaction each, short lock_timeout, no statement_timeout
};

struct Action {
  ActionKind kind = ActionKind::transaction;
  std::vector<std::string> statements;
  // Locked in SHARE UPDATE EXCLUSIVE first (tables, in oid order); views are taken before tables by
  // the order of the statements themselves.
  std::vector<Relation> locks;
  LockMode lock = LockMode::none;  // the strongest that it takes
  // concurrently: an INVALID index of this name is a leftover to be dropped first.
  std::string index_schema;
  std::string index_name;
  bool operator==(const Action&) const = default;
};

// One pass over a table that fills what the router or `set` computes.
struct Backfill {
  Relation table;
  std::vector<Relation> leaves;  // partitions or inheritance children to visit one by one;
                                 // empty: the table itself
  std::vector<std::string> key;  // key columns; empty: ctid block ranges
  std::string pending;           // predicate of a row that is not done: "_lk_w" IS NULL
  std::string assignments;       // SET list: "_lk_w" = 0, or the user's
  bool routed = true;            // set lockkeeper.backfill = on: the router fills the row
  double row_estimate = -1;
  bool operator==(const Backfill&) const = default;
};

// Reads both shapes and counts rows in which they differ.
struct Verify {
  Relation table;
  std::vector<Relation> leaves;
  std::vector<std::string> key;  // for ranges and for sample keys; empty: ctid
  std::string mismatch;          // predicate that is true for a wrong row
  std::string pending;           // predicate that is true for an unfilled row
  bool operator==(const Verify&) const = default;
};

struct Step {
  std::string id;  // unique in the plan, stable, readable: expand-users, contract-1
  Stage stage = Stage::expand;
  std::string summary;                  // for people: "add columns display_name and plan to users"
  std::vector<std::size_t> operations;  // indexes in spec.operations that it serves
  DurationClass duration = DurationClass::metadata;
  // Exactly one of these three.
  std::optional<Action> action;
  std::optional<Backfill> backfill;
  std::optional<Verify> verify;
  std::string precheck;  // SELECT of one boolean that must be true before; empty: none
  std::string
      postcheck;  // SELECT of one boolean: true when the step's effect is there; empty: ledger only
  // SELECT of up to five texts that name rows which make the action fail on the data (class 22 or
  // 23), for the message of Blocked; empty: the server's own error says it. A transaction asks it
  // first, and does not begin while it finds one.
  std::string diagnosis;
  std::vector<Action> undo;                // run in this order when rolled back
  bool irreversible = false;               // cannot be undone before contract
  bool breaks_old_version = false;         // contract: the old version cannot live with it
  std::int64_t statement_timeout_ms = -1;  // -1: the Database's queryTimeout
  bool operator==(const Step&) const = default;
};

std::string_view to_string(Stage stage);
std::string_view to_string(LockMode mode);  // "ACCESS EXCLUSIVE"
std::string_view to_string(DurationClass duration);

}  // namespace lockkeeper::plan
