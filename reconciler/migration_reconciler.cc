#include "reconciler/migration_reconciler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "reconciler/invalid_object.h"
#include "reconciler/jobs.h"
#include "reconciler/phases/phases.h"
#include "reconciler/reason_words.h"

namespace lockkeeper::reconcile {
namespace {

using crds::ConditionType;
using crds::Phase;
using crds::Reason;
using execute::State;

Phase phase_so_far(const Situation& s) {
  return s.migration.status.phase.value_or(Phase::pending);
}

bool is_terminal(const crds::Migration& migration) {
  return migration.status.conditions.is_true(ConditionType::contracted) ||
         migration.status.conditions.is_true(ConditionType::rolled_back);
}

// Wishes that come after the end are answered once, without asking the database.
void answer_late_wishes(Situation& s) {
  const bool done = s.migration.status.conditions.is_true(ConditionType::contracted);
  if (done && s.spec().rollback) {
    s.set(ConditionType::rolled_back, false, Reason::after_contract,
          "the old shape is gone: there is no way back");
    s.event(Reason::after_contract, "spec.rollback comes after contract: refused", true);
  }
  if (done && s.spec().until && *s.spec().until != crds::Until::contract) {
    s.event(Reason::until_ignored, "spec.until was lowered after contract: ignored", true);
  }
  if (!done && !s.spec().rollback) {
    s.event(Reason::rolled_back, "rolled back is the end: another try needs a new object");
  }
  for (const ConditionType type :
       {ConditionType::ready, ConditionType::reconciling, ConditionType::stalled}) {
    const crds::Condition* before = s.migration.status.conditions.find(type);
    if (before == nullptr) continue;
    s.set(type, before->status == crds::ConditionStatus::is_true,
          crds::reason_from(before->reason, Reason::completed), before->message);
  }
}

// Fills s.database, s.pool and s.rollout, or s.unreachable. Null rollout: a reason was given.
base::Result<Reason> find_database(Situation& s) {
  const Key key{s.key().ns, s.spec().database_ref.name};
  TRY(s.database, s.world.cluster.database(key));
  if (s.database == nullptr) {
    s.unreachable = fmt::format("there is no Database {}", key.name);
    return Reason::database_not_found;
  }
  if (s.identity.schema.empty()) s.identity.schema = s.database->spec.default_schema;
  s.pool = s.world.pools.find(key);
  if (s.pool != nullptr && s.world.pools.facts(key)) {
    s.rollout = s.world.rollout(s.pool);
    return Reason::connected;
  }
  const crds::Condition* ready = s.database->status.conditions.find(ConditionType::ready);
  const bool told = ready != nullptr && ready->status != crds::ConditionStatus::is_true &&
                    ready->reason != to_string(Reason::suspended);
  s.unreachable = fmt::format("Database {} is not ready: {}", key.name,
                              told ? ready->message : "it is being connected");
  if (told && ready->reason == to_string(Reason::namespace_not_opened)) {
    return Reason::namespace_not_opened;
  }
  return Reason::database_not_ready;
}

// The schema that the ledger has counts: spec and Database may have been edited since.
base::Result<std::optional<execute::Record>> look_up(Situation& s) {
  TRY(auto record, s.rollout->find(s.world.ctx, s.identity));
  if (record || !s.begun()) return record;
  TRY(auto others, s.rollout->named(s.world.ctx, s.identity.name));
  if (others.empty()) return record;
  // At most one of them is not rolled back; of those that are, the newest is ours.
  const auto ours = std::ranges::max_element(others, {}, [](const execute::Record& other) {
    return std::make_pair(other.state != State::rolled_back, other.created_at);
  });
  s.identity = ours->identity;
  return std::optional<execute::Record>(std::move(*ours));
}

// What the ledger has under our name may be of another life of this object.
bool is_of_an_earlier_object(const Situation& s, const execute::Record& record) {
  const bool own = s.begun() && s.migration.status.steps;
  return record.state == State::rolled_back && !own;
}

// With the traffic on green, checks go on whatever becomes of the database.
bool bakes(const Situation& s) {
  const auto& moved = s.migration.status.switch_status;
  return moved && moved->switched_at && !moved->baked_at && s.memory.record &&
         s.memory.record->state == State::ready && !s.spec().rollback &&
         !s.migration.metadata.deleting();
}

// The job of contract passes the point of no return by itself; whether it has, the ledger knows.
base::Result<void> follow_contract(Situation& s) {
  if (s.job->key.kind != JobKind::contract || s.record->state != State::ready) return base::ok();
  const auto found = s.rollout->find(s.world.ctx, s.identity);
  if (!found.ok() || !*found) return base::ok();  // the job will say what is wrong
  s.record->state = (*found)->state;
  s.record->state_since = (*found)->state_since;
  s.memory.record = s.record;
  return base::ok();
}

base::Result<void> find_record(Situation& s) {
  if (s.job) {
    s.record = s.memory.record;
    if (s.record) s.identity = s.record->identity;
    if (s.record) return follow_contract(s);
  }
  auto found = look_up(s);
  if (!found.ok() && found.error().code == base::ErrorCode::unavailable && bakes(s)) {
    s.record = s.memory.record;
    s.identity = s.record->identity;
    return base::ok();
  }
  if (!found.ok()) return found.error();
  s.record = std::move(found).value();
  if (s.record && is_of_an_earlier_object(s, *s.record)) s.record.reset();
  if (s.record && s.record->state == State::orphaned && !same_operations(s)) return base::ok();
  if (s.record && s.record->state == State::orphaned) {
    TRY(s.record, s.rollout->adopt(s.world.ctx, *s.record));
    s.memory.epoch->store(s.record->epoch);
  }
  s.memory.record = s.record;
  return base::ok();
}

// What we do not understand may pass: it is definitive only when it comes again and again.
constexpr int most_defects = 3;

// Definitive errors of expand take it back by themselves; the cause survives a restart in the
// condition.
void find_automatic_rollback(Situation& s) {
  const crds::Condition* told = s.migration.status.conditions.find(ConditionType::rolled_back);
  if (told != nullptr && told->reason == to_string(Reason::expand_failed)) {
    s.automatic_rollback = told->message;
    return;
  }
  const auto& failure = s.memory.failure;
  if (!failure || failure->kind != JobKind::expand) return;
  const bool hopeless =
      failure->error.code == base::ErrorCode::internal && failure->tries >= most_defects;
  if (failure->error.code == base::ErrorCode::invalid || hopeless) {
    s.automatic_rollback = fmt::format("step {}: {}", failure->step, failure->error.text());
  }
}

// True when the ledger forbids to go on under this name or in this database; then it is concluded.
bool refused_by_ledger(Situation& s) {
  if (!s.record && s.begun() && s.migration.status.steps) {
    s.wait(phase_so_far(s),
           {false, Reason::wrong_database,
            "the ledger of this database does not know this Migration, which has begun: the Secret "
            "leads to another database, or it was restored from before; hint: correct the Secret"},
           while_waiting);
    return true;
  }
  const bool own = s.begun() && s.migration.status.steps;
  if (!s.record || own || same_operations(s)) return false;
  s.conclude(
      Phase::pending, Standing::stalled, Reason::name_reused,
      fmt::format("the ledger has other operations under the name {} (schema {}, {}); hint: "
                  "give this object another name",
                  s.identity.name, s.record->identity.schema, execute::to_string(s.record->state)),
      while_holding);
  return true;
}

void say_spec_changed(Situation& s) {
  if (!s.record || s.record->state == State::completed || same_operations(s)) return;
  s.set(ConditionType::stalled, true, Reason::spec_changed,
        "spec.operations changed after the plan was frozen: the frozen plan goes on; hint: put "
        "them back");
}

base::Result<void> work(Situation& s) {
  take_in_job(s);
  TRY(const Reason reach, find_database(s));
  const bool leaving = s.migration.metadata.deleting();
  if (s.rollout == nullptr && !s.job) {
    if (leaving) return deleting(s);
    // Whoever connects it wakes us; looking again is for what nobody thought of.
    const bool gone = reach == Reason::database_not_found;
    s.conclude(phase_so_far(s), Standing::working, reach, s.unreachable,
               gone ? while_holding : milliseconds(5'000));
    return base::ok();
  }
  if (s.rollout == nullptr) s.rollout = s.memory.rollout;
  if (auto found = find_record(s); !found.ok()) {
    if (!leaving || found.error().code != base::ErrorCode::unavailable) return found;
    s.rollout = nullptr;
    s.unreachable = found.error().text();
    return deleting(s);
  }
  s.memory.rollout = s.rollout;
  find_automatic_rollback(s);
  if (leaving) return deleting(s);
  if (refused_by_ledger(s)) return base::ok();
  TRY_OK(run_phase(decide(s), s));
  say_spec_changed(s);
  return base::ok();
}

// What kept us from looking, in the status; errors that only the queue understands are given on.
base::Result<void> explain(Situation& s, const base::Error& error) {
  constexpr milliseconds soon{5'000};
  constexpr milliseconds late{60'000};
  switch (error.code) {
    case base::ErrorCode::cancelled:
    case base::ErrorCode::conflict: return error;
    case base::ErrorCode::unavailable:
      s.conclude(phase_so_far(s), Standing::working, reason_of(error, Reason::server_unavailable),
                 error.text(), error.retry_after.value_or(soon));
      return base::ok();
    case base::ErrorCode::precondition:
      s.conclude(phase_so_far(s), Standing::working, reason_of(error, Reason::step_failed),
                 error.text(), while_waiting);
      return base::ok();
    case base::ErrorCode::invalid:
      s.conclude(phase_so_far(s), Standing::stalled, reason_of(error, Reason::invalid_spec),
                 error.text(), while_holding);
      return base::ok();
    case base::ErrorCode::internal: break;
  }
  s.world.ctx.log().error("defect", {{"migration", s.key().text()}, {"error", error.text()}});
  s.conclude(phase_so_far(s), Standing::working, Reason::internal_error, error.text(), late);
  return base::ok();
}

Outcome nothing(const crds::ObjectMeta& meta) {
  Outcome outcome;
  outcome.uid = meta.uid;
  outcome.resource_version = meta.resource_version;
  return outcome;
}

}  // namespace

MigrationReconciler::MigrationReconciler() : memories_(std::make_unique<Memories>()) {}
MigrationReconciler::~MigrationReconciler() = default;

base::Result<Outcome> MigrationReconciler::reconcile(const World& world, const Key& key) {
  const auto read = world.cluster.migration(key);
  if (!read.ok()) {
    if (read.error().code != base::ErrorCode::invalid) return read.error();
    return invalid_object(world, Kind::migration, key, read.error());
  }
  if (*read == nullptr) {
    const std::string uid = memories_->drop(key);
    world.runner.cancel(uid);
    world.runner.forget(uid);
    return Outcome{};
  }
  const crds::Migration& migration = **read;
  const auto& meta = migration.metadata;
  if (meta.deleting() && !meta.has_finalizer(crds::finalizer)) return nothing(meta);
  const bool answered = migration.status.observed_generation == meta.generation;
  if (is_terminal(migration) && answered && !meta.deleting()) return nothing(meta);

  Situation s(world, migration, memories_->of(key, meta.uid));
  if (is_terminal(migration) && !meta.deleting()) {
    answer_late_wishes(s);
    Outcome outcome = s.outcome();
    outcome.requeue_after.reset();
    return outcome;
  }
  if (const auto done = work(s); !done.ok()) TRY_OK(explain(s, done.error()));
  Outcome outcome = s.outcome();
  memories_->drop_if_blank(key);
  return outcome;
}

Outcome MigrationReconciler::write_refused(const World& world, const Key& key,
                                           const base::Error& error) {
  const auto read = world.cluster.migration(key);
  if (!lasts(error) || !read.ok() || *read == nullptr) return {};
  Situation s(world, **read, memories_->of(key, (*read)->metadata.uid));
  s.memory.written_plan.clear();
  if (!explain(s, error).ok()) return {};
  return s.outcome();
}

}  // namespace lockkeeper::reconcile
