#include "reconciler/situation.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "reconciler/reason_words.h"
#include "reconciler/text.h"

namespace lockkeeper::reconcile {

using crds::ConditionStatus;
using crds::ConditionType;
using crds::Reason;

namespace {

// Fits every field that takes a message, and an Event after its own cut.
constexpr std::size_t longest_message = 8'192;

// Said beside the phase, never instead of it.
bool is_blocked(Reason reason) {
  switch (reason) {
    case Reason::lock_blocked:
    case Reason::row_fails:
    case Reason::duplicate_keys:
    case Reason::verify_failed:
    case Reason::drift:
    case Reason::lag_unknown:
    case Reason::wrong_database:
    case Reason::statement_timeout:
    case Reason::cannot_judge:
    case Reason::fenced:
    case Reason::out_of_turn:
    case Reason::precheck_failed:
    case Reason::backfill_never_ends:
    case Reason::disk_full:
    case Reason::step_failed:
    case Reason::rollback_failed:
    case Reason::forced_row_security: return true;
    default: return false;
  }
}

bool is_paused(Reason reason) {
  return reason == Reason::suspended || reason == Reason::window_closed;
}

std::string marked(Reason reason, std::string message) {
  if (is_blocked(reason)) return fmt::format("Blocked ({}): {}", to_string(reason), message);
  if (is_paused(reason)) return fmt::format("Paused ({}): {}", to_string(reason), message);
  return message;
}

}  // namespace

Situation::Situation(const World& world_in, const crds::Migration& migration_in, Memory& memory_in)
    : world(world_in), migration(migration_in), memory(memory_in), status(migration_in.status) {
  status.observed_generation = migration.metadata.generation;
  status.blockers.clear();
  identity = {migration.spec.target.schema, key().text()};
}

std::chrono::sys_seconds Situation::now() const {
  return std::chrono::floor<std::chrono::seconds>(world.now());
}

std::string Situation::suspended_by() const {
  if (spec().suspend) return "spec.suspend";
  if (database != nullptr && database->spec.suspend) {
    return fmt::format("spec.suspend of Database {}", database->metadata.name);
  }
  return {};
}

crds::Until Situation::until(const plan::Plan& plan) const {
  if (spec().until) return *spec().until;
  if (spec().switch_spec || !plan.breaks_old_version()) return crds::Until::contract;
  return crds::Until::expand;
}

void Situation::set(ConditionType type, bool value, Reason reason, std::string message) {
  status.conditions.set(type, value ? ConditionStatus::is_true : ConditionStatus::is_false, reason,
                        std::move(message), migration.metadata.generation, now());
}

void Situation::event(Reason reason, std::string note, bool warning) {
  const std::string action =
      status.phase ? std::string(to_string(*status.phase)) : std::string("Reconcile");
  events.push_back({warning, std::string(to_string(reason)), action, std::move(note)});
}

void Situation::conclude(crds::Phase phase, Standing standing, Reason reason, std::string message,
                         milliseconds look_again) {
  message = cut(marked(reason, std::move(message)), longest_message);
  const bool news = !migration.status.conditions.has_reason(ConditionType::ready, reason);
  status.phase = phase;
  status.message = message;
  set(ConditionType::ready, standing == Standing::ready, reason, message);
  set(ConditionType::reconciling, standing == Standing::working, reason,
      standing == Standing::working ? message : "");
  set(ConditionType::stalled, standing == Standing::stalled,
      standing == Standing::stalled ? reason : Reason::healthy,
      standing == Standing::stalled ? message : "");
  if (news) event(reason, message, standing == Standing::stalled || is_blocked(reason));
  requeue = look_again;
}

void Situation::wait(crds::Phase phase, const Verdict& verdict, milliseconds look_again) {
  conclude(phase, Standing::working, verdict.reason, verdict.message, look_again);
}

Outcome Situation::outcome() const {
  Outcome outcome;
  outcome.uid = migration.metadata.uid;
  outcome.resource_version = migration.metadata.resource_version;
  if (!(status == migration.status)) {
    outcome.status = std::make_shared<const Json>(crds::write_cut(status));
  }
  outcome.writes = writes;
  outcome.events = events;
  outcome.requeue_after = requeue;
  return outcome;
}

crds::Reason reason_of(const base::Error& error, Reason otherwise) {
  return reason_of_word(error.reason).value_or(otherwise);
}

bool same_operations(const Situation& s) {
  return s.record->operations_hash == engine::operations_hash(s.spec().operations);
}

}  // namespace lockkeeper::reconcile
