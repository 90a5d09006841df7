// One Migration as a reconcile finds it, and what it decides: phases read the one half and fill the
// other. Belongs to one reconcile.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crds/database.h"
#include "crds/migration.h"
#include "reconciler/gates/gate.h"
#include "reconciler/memory.h"
#include "reconciler/world.h"

namespace lockkeeper::reconcile {

using std::chrono::milliseconds;

// How soon to look again.
inline constexpr milliseconds at_once{0};
inline constexpr milliseconds while_running{400};
inline constexpr milliseconds while_switching{1'000};
inline constexpr milliseconds while_waiting{10'000};
inline constexpr milliseconds while_holding{30'000};

// How an object stands, in the words of kstatus.
enum class Standing {
  working,    // until it is ready, or something stops it
  stalled,    // until a person edits the object
  ready,      // until the spec asks for more
  abandoned,  // rolled back: for ever
};

class Situation {
 public:
  Situation(const World& world_in, const crds::Migration& migration_in, Memory& memory_in);

  // --- what is ---
  const World& world;
  const crds::Migration& migration;
  Memory& memory;
  std::shared_ptr<const crds::Database> database;
  std::shared_ptr<sql::Pool> pool;
  std::shared_ptr<Rollout> rollout;  // null: the database cannot be worked on, for this reason:
  std::string unreachable;
  execute::Identity identity;
  std::optional<JobView> job;  // that runs
  std::optional<execute::Record> record;
  std::optional<std::string> automatic_rollback;  // why

  [[nodiscard]] const crds::MigrationSpec& spec() const { return migration.spec; }
  [[nodiscard]] Key key() const { return {migration.metadata.ns, migration.metadata.name}; }
  [[nodiscard]] std::chrono::sys_seconds now() const;
  [[nodiscard]] base::Clock::Steady steady() const { return world.ctx.clock().now(); }
  // Whether the status that was read says that the first DDL was decided.
  [[nodiscard]] bool begun() const { return migration.status.started_at.has_value(); }
  // Who holds it, or empty: "spec.suspend".
  [[nodiscard]] std::string suspended_by() const;
  [[nodiscard]] crds::Until until(const plan::Plan& plan) const;

  // --- what is decided ---
  crds::MigrationStatus status;
  std::vector<Write> writes;
  std::vector<Event> events;
  milliseconds requeue = while_waiting;

  void set(crds::ConditionType type, bool value, crds::Reason reason, std::string message = {});
  void event(crds::Reason reason, std::string note, bool warning = false);
  // The last word of a phase: phase, message and the three conditions.
  void conclude(crds::Phase phase, Standing standing, crds::Reason reason, std::string message,
                milliseconds look_again);
  // The same for a closed gate.
  void wait(crds::Phase phase, const Verdict& verdict, milliseconds look_again);
  [[nodiscard]] Outcome outcome() const;
};

// The word of a lower room as a reason of ours; otherwise when it has none.
crds::Reason reason_of(const base::Error& error, crds::Reason otherwise);

// Whether the ledger's record is of the operations that the spec lists.
bool same_operations(const Situation& s);

}  // namespace lockkeeper::reconcile
