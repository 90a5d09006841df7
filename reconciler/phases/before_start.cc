// Before the first DDL: who goes first, what would run, may it run.
#include <fmt/format.h>

#include "dbcore/catalog/fingerprint.h"
#include "reconciler/gates/sight.h"
#include "reconciler/jobs.h"
#include "reconciler/ownership.h"
#include "reconciler/phases/phases.h"
#include "reconciler/plan_document.h"
#include "reconciler/queue.h"

namespace lockkeeper::reconcile {
namespace {

using crds::ConditionType;
using crds::Phase;
using crds::Reason;

void roll_back_nothing(Situation& s) {
  s.status.started_at.reset();
  s.status.completed_at = s.now();
  s.status.steps = crds::StepsStatus{};
  s.status.steps->progress = "0/0";
  s.set(ConditionType::rolled_back, true, Reason::rolled_back, "nothing had been done");
  s.conclude(Phase::rolled_back, Standing::abandoned, Reason::rolled_back,
             "rolled back before the first step: nothing had been done", while_holding);
}

base::Result<bool> required_and_queue(Situation& s) {
  const auto all = s.world.cluster.migrations(s.key().ns);
  const auto completed = [&](const std::string& name) -> base::Result<bool> {
    TRY(const auto records, s.rollout->named(s.world.ctx, Key{s.key().ns, name}.text()));
    for (const auto& record : records) {
      if (record.state == execute::State::completed) return true;
    }
    return false;
  };
  TRY(Verdict verdict, judge_required(s.migration, all, completed));
  if (verdict.open) verdict = judge_queue(s.migration, all, s.database->spec.default_schema);
  if (verdict.open) return true;
  const bool cycle = verdict.reason == Reason::requires_cycle;
  s.conclude(Phase::pending, cycle ? Standing::stalled : Standing::working, verdict.reason,
             verdict.message, milliseconds(2'000));
  return false;
}

// Nothing for an error that was put into words here.
base::Result<std::optional<plan::Plan>> make_plan(Situation& s) {
  const auto& allow = s.spec().safety.allow;
  auto made = s.rollout->plan(s.world.ctx, s.identity, s.spec().operations,
                              std::set<std::string>(allow.begin(), allow.end()));
  if (made.ok()) return std::optional<plan::Plan>(std::move(made).value());
  const base::Error& error = made.error();
  if (error.code != base::ErrorCode::invalid) return error;
  s.set(ConditionType::planned, false, Reason::invalid_plan, error.text());
  s.status.started_at.reset();
  s.status.plan.reset();  // the one that was shown is none any more
  s.status.approval.reset();
  s.conclude(Phase::pending, Standing::stalled, Reason::invalid_plan, error.text(), while_holding);
  return std::optional<plan::Plan>();
}

std::string clamp_note(const Situation& s) {
  constexpr milliseconds margin{200};
  const auto facts = s.world.pools.facts({s.key().ns, s.spec().database_ref.name});
  if (!facts) return {};
  const milliseconds most = milliseconds(facts->server.deadlock_timeout_ms) - margin;
  if (s.spec().safety.lock_timeout <= most) return {};
  return fmt::format("; lockTimeout is clamped to {}ms (deadlock_timeout less {}ms)", most.count(),
                     margin.count());
}

// What of the spec a plan is made from: approvals and throttles leave it as it is.
std::string request_of(const Situation& s) {
  return fmt::format("{} {} {}", s.identity.schema, fmt::join(s.spec().safety.allow, ","),
                     engine::operations_hash(s.spec().operations));
}

// The schema moved under a plan that was already shown: its approval is void with its hash.
std::string what_moved(const Situation& s, const plan::Plan& plan) {
  const auto& before = s.migration.status.plan;
  if (!before || before->hash == plan.hash) return {};
  if (s.memory.planned_request != request_of(s) || s.memory.planned_facts.empty()) {
    return "the plan is new";
  }
  return "the schema changed since the last plan: " +
         catalog::difference(s.memory.planned_facts, plan.facts);
}

void show_plan(Situation& s, const plan::Plan& plan) {
  const std::string moved = what_moved(s, plan);
  if (!moved.empty()) {
    s.status.started_at.reset();
    s.event(Reason::plan_changed, moved, true);
  }
  s.status.plan = plan_status(s.migration.metadata.name, plan);
  s.status.until = s.until(plan);
  const std::string old_note =
      moved.empty() &&
              s.migration.status.conditions.has_reason(ConditionType::planned, Reason::plan_changed)
          ? s.migration.status.conditions.find(ConditionType::planned)->message
          : std::string();
  const std::string note =
      fmt::format("{} steps, plan {}{}", plan.steps.size(), plan.hash, clamp_note(s));
  if (!moved.empty()) {
    s.set(ConditionType::planned, true, Reason::plan_changed, note + "; " + moved);
  } else if (!old_note.empty()) {
    s.set(ConditionType::planned, true, Reason::plan_changed, old_note);
  } else {
    s.set(ConditionType::planned, true, Reason::planned, note);
  }
  s.memory.planned_facts = plan.facts;
  s.memory.planned_request = request_of(s);
  // A write that failed left the status as it was: then it is written again.
  const auto& shown = s.migration.status.plan;
  if (shown && shown->hash == plan.hash && s.memory.written_plan == plan.hash) return;
  s.writes = plan_documents(s.migration.metadata, plan);
  s.memory.written_plan = plan.hash;
}

bool needs_approval(const crds::SafetySpec& safety, const plan::Plan& plan) {
  if (safety.approval == crds::ApprovalPolicy::never) return false;
  return safety.approval == crds::ApprovalPolicy::always || plan.has_hazard();
}

void show_approval(Situation& s, const Sight& sight) {
  const bool given = s.spec().approval.plan_hash == sight.plan_hash;
  if (given && (!s.status.approval || s.status.approval->hash != sight.plan_hash)) {
    s.status.approval = crds::ApprovalStatus{sight.plan_hash, s.now()};
  }
  if (!given) s.status.approval.reset();
  if (given) {
    s.set(ConditionType::approved, true, Reason::approved, "plan " + sight.plan_hash);
  } else if (sight.needs_approval) {
    s.set(ConditionType::approved, false, Reason::awaiting_approval,
          "set spec.approval.planHash to " + sight.plan_hash);
  } else {
    s.set(ConditionType::approved, true, Reason::approval_not_needed);
  }
}

// True when all gates are open; else the wait is concluded.
base::Result<bool> pass_gates(Situation& s, const plan::Plan& plan) {
  TRY(Sight sight, sight_of(s, plan));
  sight.needs_approval = needs_approval(s.spec().safety, plan);
  TRY_OK(see_traffic(s, Look::selector, sight));
  show_approval(s, sight);
  Verdict verdict = judge(start_gates(), sight);
  if (verdict.open) return true;
  s.status.started_at.reset();
  if (s.status.conditions.has_reason(ConditionType::planned, Reason::plan_changed)) {
    verdict.message += "; " + s.status.conditions.find(ConditionType::planned)->message;
  }
  if (verdict.reason == Reason::service_not_on_blue) {
    s.conclude(Phase::planned, Standing::stalled, verdict.reason, verdict.message, while_waiting);
    return false;
  }
  const bool person = verdict.reason == Reason::awaiting_approval;
  s.wait(person ? Phase::awaiting_approval : Phase::planned, verdict, while_waiting);
  return false;
}

void wait_for_claim(Situation& s, const base::Error& error) {
  s.status.started_at.reset();
  s.wait(Phase::pending, closed(Reason::table_claimed, error.text()), while_waiting);
}

// Asked before the mark that freezes the spec, so that waiting does not set it and take it off.
base::Result<bool> tables_are_free(Situation& s, const plan::Plan& plan) {
  const auto free = s.rollout->find_claim(s.world.ctx, s.identity, plan);
  if (free.ok()) return true;
  if (free.error().reason != to_string(Reason::table_claimed)) return free.error();
  wait_for_claim(s, free.error());
  return false;
}

// What must be on the object before the database is touched: the finalizer, then the mark that
// freezes the spec. True when both are.
bool leave_marks(Situation& s) {
  if (!s.migration.metadata.has_finalizer(crds::finalizer)) {
    s.status = s.migration.status;
    s.events.clear();
    s.writes.push_back(add_finalizer(Kind::migration, s.migration.metadata));
    s.requeue = at_once;
    return false;
  }
  if (s.begun() && s.status.started_at) return true;
  s.status.started_at = s.now();
  s.conclude(Phase::planned, Standing::working, Reason::planned, "the first step begins", at_once);
  return false;
}

base::Result<void> start(Situation& s, const plan::Plan& plan) {
  auto started = s.rollout->start(s.world.ctx, s.identity, plan, s.spec().operations,
                                  s.status.approval ? s.status.approval->hash : "");
  if (!started.ok()) {
    const base::Error& error = started.error();
    s.status.started_at.reset();
    if (error.code == base::ErrorCode::conflict) {
      s.conclude(Phase::planned, Standing::working, Reason::plan_changed, error.text(), at_once);
      return base::ok();
    }
    if (error.reason == to_string(Reason::table_claimed)) {
      wait_for_claim(s, error);
      return base::ok();
    }
    return error;
  }
  s.record = std::move(started).value();
  s.memory.record = s.record;
  s.memory.epoch->store(s.record->epoch);
  return expanding(s);
}

}  // namespace

base::Result<void> before_start(Situation& s) {
  if (s.spec().rollback) {
    roll_back_nothing(s);
    return base::ok();
  }
  TRY(const bool first, required_and_queue(s));
  if (!first) {
    s.status.started_at.reset();
    return base::ok();
  }
  TRY(const auto plan, make_plan(s));
  if (!plan) return base::ok();
  show_plan(s, *plan);
  TRY(const bool open, pass_gates(s, *plan));
  if (!open) return base::ok();
  TRY(const bool free, tables_are_free(s, *plan));
  if (!free || !leave_marks(s)) return base::ok();
  return start(s, *plan);
}

}  // namespace lockkeeper::reconcile
