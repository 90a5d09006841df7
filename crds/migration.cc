#include "crds/migration.h"

#include <algorithm>
#include <array>

#include "crds/envelope.h"
#include "crds/operation_codec.h"
#include "crds/rules.h"

namespace lockkeeper::crds {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::array<std::string_view, 1> exposures = {"InPlace"};
constexpr std::array<std::string_view, 3> approval_policies = {"Never", "OnHazard", "Always"};
constexpr std::array<std::string_view, 3> untils = {"Expand", "Switch", "Contract"};
constexpr std::array<std::string_view, 1> forces = {"rollback"};

}  // namespace

std::string_view to_string(Until until) {
  return untils[static_cast<std::size_t>(until)];
}

bool SafetySpec::forces_rollback() const {
  return std::find(force.begin(), force.end(), forces[0]) != force.end();
}

void describe(Fields& f, DatabaseReference& r) {
  f.text("name", r.name, rules::object_name);
}

void describe(Fields& f, TargetSpec& t) {
  f.text("schema", t.schema, rules::pg_name);
}

void describe(Fields& f, BackfillSpec& b) {
  f.duration("chunkTime", b.chunk_time, {.min = milliseconds(10), .max = milliseconds(60'000)});
  f.integer("maxRowsPerSecond", b.max_rows_per_second, {.max = 1'000'000'000});
  f.duration("pause", b.pause, {.max = hours(1)});
  f.duration("maxReplicaLag", b.max_replica_lag, {.min = milliseconds(100), .max = hours(24)});
}

void describe(Fields& f, SafetySpec& s) {
  f.duration("lockTimeout", s.lock_timeout, {.min = milliseconds(10), .max = milliseconds(60'000)});
  f.texts("allow", s.allow, {.max = 32, .unique = true},
          {.min = 1, .max = 63, .shape = &shapes::word});
  f.choice("approval", s.approval, approval_policies);
  f.texts("force", s.force, {.max = 1, .unique = true}, {.one_of = forces});
}

void describe(Fields& f, SessionSelector& s) {
  f.text("applicationName", s.application_name, rules::pg_name);
  f.text("user", s.user, rules::pg_name);
  f.check(s.application_name.empty() != s.user.empty(), "",
          "needs exactly one of applicationName and user");
}

void describe(Fields& f, DrainSpec& d) {
  f.object("old", d.old_version);
  f.object("new", d.new_version);
}

void describe(Fields& f, ContractSpec& c) {
  f.duration("after", c.after);
  f.object("drain", c.drain);
}

void describe(Fields& f, ApprovalSpec& a) {
  f.text("planHash", a.plan_hash, {.max = 64, .shape = &shapes::plan_hash});
}

void describe(Fields& f, MigrationSpec& m) {
  f.object("databaseRef", m.database_ref, Presence::required);
  f.object("target", m.target);
  f.list("operations", m.operations, {.required = true, .min = 1, .max = 100});
  f.texts("requires", m.required, {.max = 32, .unique = true}, rules::object_name);
  f.choice("exposure", m.exposure, exposures);
  f.object("backfill", m.backfill);
  f.object("safety", m.safety);
  f.object("switch", m.switch_spec);
  f.object("contract", m.contract);
  f.list("windows", m.windows, {.max = 16});
  f.choice("until", m.until, untils);
  f.boolean("suspend", m.suspend);
  f.boolean("rollback", m.rollback);
  f.object("approval", m.approval);
}

base::Result<Migration> decode_migration(const Json& object) {
  TRY(Migration migration, decode_object<Migration, MigrationSpec, MigrationStatus>(object));
  TRY_OK(Schedule::make(migration.spec.windows, "spec.windows"));
  return migration;
}

Json encode(const Migration& migration) {
  return encode_object(migration);
}

Json status_patch(const Migration& migration) {
  return encode_status(migration);
}

}  // namespace lockkeeper::crds
