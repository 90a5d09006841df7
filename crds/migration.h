// Migration: one change of schema, and how it stands. Plain values; the CRD is
// crds/yaml/migrations.yaml and a test holds the two together. The blue/green switch and its checks
// are in crds/switch.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crds/conditions.h"
#include "crds/meta.h"
#include "crds/schedule.h"
#include "crds/switch.h"
#include "dbcore/plan/operation.h"

namespace lockkeeper::crds {

struct DatabaseReference {
  std::string name;
  bool operator==(const DatabaseReference&) const = default;
};

struct TargetSpec {
  std::string schema;  // empty: the Database's defaultSchema
  bool operator==(const TargetSpec&) const = default;
};

// Both shapes side by side in the table.
enum class Exposure { in_place };

struct BackfillSpec {
  std::chrono::milliseconds chunk_time{300};
  std::int64_t max_rows_per_second = 0;  // 0: no limit
  std::chrono::milliseconds pause{100};
  std::chrono::milliseconds max_replica_lag{5'000};
  bool operator==(const BackfillSpec&) const = default;
};

enum class ApprovalPolicy { never, on_hazard, always };

struct SafetySpec {
  std::chrono::milliseconds lock_timeout{500};
  std::vector<std::string> allow;  // rules that may be broken
  ApprovalPolicy approval = ApprovalPolicy::on_hazard;
  std::vector<std::string> force;  // "rollback": do not wait for the new version's sessions
  bool operator==(const SafetySpec&) const = default;

  [[nodiscard]] bool forces_rollback() const;
};

// Whose sessions must be gone; exactly one is given.
struct SessionSelector {
  std::string application_name;
  std::string user;
  bool operator==(const SessionSelector&) const = default;
};

struct DrainSpec {
  std::optional<SessionSelector> old_version;  // field `old`: before contract
  std::optional<SessionSelector> new_version;  // field `new`: before a rollback
  bool operator==(const DrainSpec&) const = default;
};

struct ContractSpec {
  std::chrono::milliseconds after{0};  // from switchedAt; without switch from Expanded
  DrainSpec drain;
  bool operator==(const ContractSpec&) const = default;
};

enum class Until { expand, switch_traffic, contract };
std::string_view to_string(Until until);  // "Switch"

struct ApprovalSpec {
  std::string plan_hash;
  bool operator==(const ApprovalSpec&) const = default;
};

struct MigrationSpec {
  DatabaseReference database_ref;
  TargetSpec target;
  std::vector<plan::Operation> operations;
  std::vector<std::string> required;  // field `requires`: Migrations of this namespace
  Exposure exposure = Exposure::in_place;
  BackfillSpec backfill;
  SafetySpec safety;
  std::optional<SwitchSpec> switch_spec;  // field `switch`
  ContractSpec contract;
  std::vector<Window> windows;
  std::optional<Until> until;
  bool suspend = false;
  bool rollback = false;
  ApprovalSpec approval;
  bool operator==(const MigrationSpec&) const = default;
};

// As printed; no logic reads it.
enum class Phase {
  pending,
  planned,
  awaiting_approval,
  expanding,
  backfilling,
  ready_to_switch,
  switching,
  baking,
  awaiting_contract,
  contracting,
  completed,
  rolling_back,
  rolled_back,
};
std::string_view to_string(Phase phase);  // "AwaitingApproval"

struct HazardStatus {
  std::string rule;
  std::string step;
  std::string message;
  bool operator==(const HazardStatus&) const = default;
};

struct PlanStatus {
  std::string hash;
  std::string fingerprint;
  std::string config_map;
  std::vector<HazardStatus> hazards;  // at most 20
  bool operator==(const PlanStatus&) const = default;
};

struct ApprovalStatus {
  std::string hash;
  std::optional<std::chrono::sys_seconds> at;
  bool operator==(const ApprovalStatus&) const = default;
};

struct StepsStatus {
  int done = 0;
  int total = 0;
  std::string progress;  // "3/7"
  std::string current;
  bool operator==(const StepsStatus&) const = default;
};

struct BackfillStatus {
  std::int64_t rows_done = 0;
  std::int64_t rows_total = 0;
  int percent = 0;
  std::int64_t rows_per_second = 0;
  std::optional<std::chrono::sys_seconds> estimated_end;
  bool operator==(const BackfillStatus&) const = default;
};

enum class Colour { blue, green };

struct SwitchStatus {
  std::optional<Colour> active;
  std::optional<std::chrono::sys_seconds> switched_at;
  std::optional<std::chrono::sys_seconds> baked_at;        // end of the bake
  std::optional<std::chrono::sys_seconds> scaled_down_at;  // blue was scaled to 0
  std::optional<int> blue_replicas;  // before it was scaled down, for the way back
  std::string retried;               // value of annotation retry-switch that was acted on
  bool operator==(const SwitchStatus&) const = default;
};

struct BlockerStatus {
  int pid = 0;
  std::string user;
  std::string application_name;
  std::string query_age;  // "93s", "at least 10s"
  bool operator==(const BlockerStatus&) const = default;
};

struct MigrationStatus {
  std::int64_t observed_generation = -1;
  std::optional<Phase> phase;
  std::string message;
  std::optional<PlanStatus> plan;
  std::optional<ApprovalStatus> approval;
  std::optional<Until> until;  // the effective value
  std::optional<StepsStatus> steps;
  std::string progress;  // "41%"
  std::optional<BackfillStatus> backfill;
  std::optional<SwitchStatus> switch_status;  // field `switch`
  std::optional<std::chrono::sys_seconds> contract_after;
  std::vector<BlockerStatus> blockers;                 // at most 5
  std::optional<std::chrono::sys_seconds> started_at;  // first DDL: from here on spec is frozen
  std::optional<std::chrono::sys_seconds> completed_at;
  Conditions conditions;
  bool operator==(const MigrationStatus&) const = default;
};

struct Migration {
  static constexpr std::string_view kind = "Migration";
  static constexpr std::string_view plural = "migrations";

  ObjectMeta metadata;
  MigrationSpec spec;
  MigrationStatus status;
  bool operator==(const Migration&) const = default;
};

void describe(Fields& f, MigrationSpec& spec);
void describe(Fields& f, MigrationStatus& status);

// Strict on spec, its cron expressions and time zones included; what is not ours to judge
// (metadata, another version's status) is read leniently.
base::Result<Migration> decode_migration(const Json& object);
Json encode(const Migration& migration);
// The body of a server-side apply to /status: the resourceVersion that was read guards it.
Json status_patch(const Migration& migration);

}  // namespace lockkeeper::crds
