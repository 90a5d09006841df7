// The engine's side in memory: a runner whose jobs end when the test says so, a rollout that
// follows a script, a plan to run.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "crds/migration.h"
#include "reconciler/rollout.h"
#include "reconciler/runner.h"

namespace lockkeeper::reconcile::testing {

inline std::string ops_hash(const crds::Migration& migration) {
  return engine::operations_hash(migration.spec.operations);
}

class FakeRunner final : public Runner {
 public:
  bool start(const JobKey& key, Job job) override {
    if (view_) return false;
    view_ = JobView{};
    view_->key = key;
    view_->running = true;
    job_ = std::move(job);
    started.emplace_back(to_string(key.kind));
    return true;
  }
  [[nodiscard]] std::optional<JobView> poll(const std::string& uid) const override {
    if (!view_ || view_->key.uid != uid) return std::nullopt;
    JobView view = *view_;
    view.progress = progress.read();
    return view;
  }
  void cancel(const std::string& uid) override {
    if (!view_ || view_->key.uid != uid || !view_->running) return;
    view_->cancelling = true;
    ++cancelled;
  }
  void cancel_at_next_step(const std::string& uid) override {
    if (view_ && view_->key.uid == uid && view_->running) ++cancelled_at_next_step;
  }
  void forget(const std::string& uid) override {
    if (view_ && view_->key.uid == uid && !view_->running) view_.reset();
  }

  [[nodiscard]] bool busy() const { return view_ && view_->running; }
  // The job runs to its end now; one that was cancelled ends so.
  void finish() {
    ASSERT_TRUE(busy());
    view_->running = false;
    if (view_->cancelling) {
      view_->result = base::cancelled("stopped");
    } else {
      view_->result = job_(base::Context(), progress);
    }
  }

  std::vector<std::string> started;
  int cancelled = 0;
  int cancelled_at_next_step = 0;
  execute::Progress progress;

 private:
  std::optional<JobView> view_;
  Job job_;
};

// One Migration's ledger row, and answers to be set.
class FakeRollout final : public Rollout {
 public:
  base::Result<plan::Plan> plan(const base::Context&, const execute::Identity&,
                                const std::vector<plan::Operation>&,
                                const std::set<std::string>&) override {
    if (plan_error) return *plan_error;
    return planned;
  }
  base::Result<std::optional<execute::Record>> find(const base::Context&,
                                                    const execute::Identity& identity) override {
    if (unavailable) return base::unavailable("server is down").with_reason("ServerUnavailable");
    if (record && record->identity.schema != identity.schema) {
      return std::optional<execute::Record>();
    }
    return record;
  }
  base::Result<std::vector<execute::Record>> named(const base::Context&,
                                                   const std::string& name) override {
    std::vector<execute::Record> out;
    if (record && record->identity.name == name) out.push_back(*record);
    for (const auto& other : others) {
      if (other.identity.name == name) out.push_back(other);
    }
    return out;
  }
  base::Result<void> find_claim(const base::Context&, const execute::Identity&,
                                const plan::Plan&) override {
    return claim_error ? base::Result<void>(*claim_error) : base::ok();
  }
  base::Result<execute::Record> start(const base::Context&, const execute::Identity& identity,
                                      const plan::Plan& plan,
                                      const std::vector<plan::Operation>& operations,
                                      const std::string& approval_hash) override {
    if (start_error) return *start_error;
    execute::Record fresh;
    fresh.id = "r1";
    fresh.identity = identity;
    fresh.epoch = 1;
    fresh.plan = plan;
    fresh.operations_hash = engine::operations_hash(operations);
    fresh.approval_hash = approval_hash;
    fresh.created_at = clock->wall();
    fresh.state_since = clock->wall();
    for (const auto& step : plan.steps) {
      execute::StepRecord one;
      one.id = step.id;
      fresh.steps.push_back(one);
    }
    record = fresh;
    return fresh;
  }
  base::Result<execute::Record> adopt(const base::Context&, const execute::Record& old) override {
    if (adopt_error) return *adopt_error;
    ++adopted;
    record = old;
    record->epoch = old.epoch + 1;
    if (record->state == execute::State::orphaned) record->state = execute::State::running;
    return *record;
  }
  base::Result<execute::Record> expand(const base::Context&, const execute::Record&,
                                       const engine::Tuning& given, execute::Progress&) override {
    tuning = given;
    return end(expand_error, execute::State::ready);
  }
  base::Result<execute::Record> contract(const base::Context&, const execute::Record&,
                                         const engine::Tuning&, execute::Progress&) override {
    return end(contract_error, execute::State::completed);
  }
  base::Result<execute::Record> roll_back(const base::Context&, const execute::Record&,
                                          const engine::Tuning&, execute::Progress&) override {
    return end(roll_back_error, execute::State::rolled_back);
  }
  base::Result<std::optional<engine::Drift>> drift(const base::Context&,
                                                   const execute::Record&) override {
    return drifted;
  }
  base::Result<std::vector<engine::SessionInfo>> sessions(
      const base::Context&, const engine::SessionFilter& filter) override {
    std::vector<engine::SessionInfo> out;
    for (const auto& session : clients) {
      const bool by_user = !filter.user.empty() && session.user == filter.user;
      if (by_user || session.application_name == filter.application_name) out.push_back(session);
    }
    return out;
  }
  base::Result<bool> ask(const base::Context&, const std::string&) override { return answer; }
  base::Result<void> orphan(const base::Context&, const execute::Identity&) override {
    ++orphaned;
    if (record) record->state = execute::State::orphaned;
    return base::ok();
  }

  base::Result<execute::Record> end(const std::optional<base::Error>& error, execute::State state) {
    if (error) return *error;
    record->state = state;
    record->state_since = clock->wall();
    for (auto& step : record->steps) step.status = execute::StepStatus::done;
    return *record;
  }

  const base::Clock* clock = nullptr;
  plan::Plan planned;
  std::optional<base::Error> plan_error, claim_error, start_error, adopt_error;
  std::optional<base::Error> expand_error, contract_error, roll_back_error;
  std::optional<execute::Record> record;
  std::vector<execute::Record> others;
  std::optional<engine::Drift> drifted;
  std::vector<engine::SessionInfo> clients;
  engine::Tuning tuning;
  bool answer = true;
  bool unavailable = false;
  int adopted = 0;
  int orphaned = 0;
};

inline plan::Plan plan_of(const std::string& hash, bool hazard = false, bool breaks = true) {
  plan::Plan plan;
  plan.schema = "public";
  plan.hash = hash;
  plan.fingerprint = "f-" + hash;
  plan.facts = {"fact of " + hash};
  plan::Step expand;
  expand.id = "expand-users";
  plan::Step fill;
  fill.id = "backfill-users";
  fill.stage = plan::Stage::backfill;
  fill.backfill = plan::Backfill{};
  fill.backfill->table.name = "users";
  plan::Step build;
  build.id = "index-users";
  build.stage = plan::Stage::index;
  build.action = plan::Action{};
  build.action->kind = plan::ActionKind::concurrently;
  plan::Step contract;
  contract.id = "contract-1";
  contract.stage = plan::Stage::contract;
  contract.breaks_old_version = breaks;
  plan.steps = {expand, fill, build, contract};
  if (hazard) {
    plan::Finding finding;
    finding.severity = plan::Severity::hazard;
    finding.rule = "L028";
    finding.step = "contract-1";
    finding.message = "loses data";
    plan.findings.push_back(finding);
  }
  return plan;
}

}  // namespace lockkeeper::reconcile::testing
