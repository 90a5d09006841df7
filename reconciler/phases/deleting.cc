// An object that is being deleted: what it began is taken back first, or a person says to let go.
#include <fmt/format.h>

#include "reconciler/jobs.h"
#include "reconciler/ownership.h"
#include "reconciler/phases/phases.h"

namespace lockkeeper::reconcile {
namespace {

using crds::ConditionType;
using crds::Phase;
using crds::Reason;
using execute::State;

constexpr std::string_view hint =
    "hint: annotation lockkeeper.dev/orphan=true lets go and leaves the schema as it is";

void release(Situation& s) {
  if (s.job) s.world.runner.cancel(s.memory.uid);
  s.status = s.migration.status;  // the object goes: nothing is written that nobody reads
  s.writes = {remove_finalizer(Kind::migration, s.migration.metadata)};
  s.requeue = while_waiting;
}

bool let_go_was_asked(const Situation& s) {
  return s.migration.metadata.annotation(crds::annotation::orphan) == "true";
}

void orphan(Situation& s, const std::string& why) {
  if (s.job) s.world.runner.cancel(s.memory.uid);
  if (s.rollout != nullptr) {
    const base::Context ctx = s.world.ctx.with_timeout(std::chrono::seconds(5));
    if (const auto marked = s.rollout->orphan(ctx, s.identity); !marked.ok()) {
      s.world.ctx.log().warn("orphan not marked in the ledger",
                             {{"migration", s.key().text()}, {"error", marked.error().text()}});
    }
  }
  s.events.clear();
  s.event(Reason::schema_orphaned,
          why + "; the ledger remembers, an object of the same name can adopt it", true);
  release(s);
}

bool is_terminal(const Situation& s) {
  const auto& conditions = s.migration.status.conditions;
  return conditions.is_true(ConditionType::contracted) ||
         conditions.is_true(ConditionType::rolled_back);
}

// Nobody can lead us to the database any more: there is no Database that says where, or the Secret
// is gone, or the namespace is being taken apart (then we may not even look).
bool is_lost(const Situation& s) {
  if (s.database == nullptr) return true;
  const auto secret = s.world.cluster.get(
      s.world.ctx, Kind::secret, {s.key().ns, s.database->spec.connection.secret_ref.name});
  if (secret.ok()) return *secret == nullptr;
  return secret.error().reason == to_string(Reason::namespace_not_opened) &&
         s.database->metadata.deleting();
}

void out_of_reach(Situation& s, const std::string& why) {
  if (is_lost(s)) {
    orphan(s, "the database is out of reach and its Secret is gone");
    return;
  }
  s.conclude(Phase::rolling_back, Standing::working, Reason::deleting,
             fmt::format("deletion waits: the database is out of reach: {}; {}", why, hint),
             while_waiting);
}

// Ended, or never begun: nothing is to be taken back.
bool is_over(const Situation& s) {
  return !s.record || s.record->state == State::completed || s.record->state == State::rolled_back;
}

bool failed_for_lack_of_server(const Situation& s) {
  return s.memory.failure && s.memory.failure->error.code == base::ErrorCode::unavailable && !s.job;
}

}  // namespace

base::Result<void> deleting(Situation& s) {
  if (!s.job && (!s.begun() || is_terminal(s))) {
    release(s);
    return base::ok();
  }
  if (let_go_was_asked(s)) {
    orphan(s, "let go as the annotation says");
    return base::ok();
  }
  if (s.rollout == nullptr) {
    out_of_reach(s, s.unreachable);
    return base::ok();
  }
  if (is_over(s)) {
    release(s);
    return base::ok();
  }
  if (failed_for_lack_of_server(s) && is_lost(s)) {
    orphan(s, "the database is out of reach and its Secret is gone");
    return base::ok();
  }
  TRY_OK(run_phase(decide(s), s));
  const std::string_view wait = *s.status.phase == Phase::contracting
                                    ? "being deleted: contract finishes first"
                                    : "being deleted: goes when it is rolled back";
  s.status.message += fmt::format("; {}; {}", wait, hint);
  return base::ok();
}

}  // namespace lockkeeper::reconcile
