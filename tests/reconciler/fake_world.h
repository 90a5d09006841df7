// A world in memory for the reconcilers: a cluster that carries out what they decide, a runner
// whose jobs end when the test says so, a rollout that follows a script.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "crds/database.h"
#include "crds/migration.h"
#include "reconciler/database_reconciler.h"
#include "reconciler/migration_reconciler.h"
#include "tests/support/fake_clock.h"

namespace lockkeeper::reconcile::testing {

using namespace std::chrono_literals;
using crds::ConditionType;
using crds::Phase;

inline std::string ops_hash(const crds::Migration& migration) {
  return engine::operations_hash(migration.spec.operations);
}

class FakeCluster : public Cluster {
 public:
  base::Result<Object> get(const base::Context&, Kind kind, const Key& key) override {
    if (forbidden) {
      return base::precondition("services is forbidden").with_reason("NamespaceNotOpened");
    }
    const auto found = objects.find({kind, key});
    return found == objects.end() ? Object() : std::make_shared<const Json>(found->second);
  }
  base::Result<std::vector<Object>> list(const base::Context&, Kind kind, const std::string& ns,
                                         const std::string& selector) override {
    std::vector<Object> out;
    for (const auto& [at, object] : objects) {
      if (at.first != kind || at.second.ns != ns) continue;
      if (matches(object, selector)) out.push_back(std::make_shared<const Json>(object));
    }
    return out;
  }
  Object cached(Kind kind, const Key& key) override {
    const auto found = objects.find({kind, key});
    return found == objects.end() ? Object() : std::make_shared<const Json>(found->second);
  }
  base::Result<std::shared_ptr<const crds::Migration>> migration(const Key& key) override {
    if (undecodable) return *undecodable;
    const auto found = migrations_.find(key);
    return found == migrations_.end() ? nullptr
                                      : std::make_shared<const crds::Migration>(found->second);
  }
  base::Result<std::shared_ptr<const crds::Database>> database(const Key& key) override {
    const auto found = databases.find(key);
    return found == databases.end() ? nullptr
                                    : std::make_shared<const crds::Database>(found->second);
  }
  std::vector<std::shared_ptr<const crds::Migration>> migrations(const std::string& ns) override {
    std::vector<std::shared_ptr<const crds::Migration>> out;
    for (const auto& [key, migration] : migrations_) {
      if (key.ns == ns) out.push_back(std::make_shared<const crds::Migration>(migration));
    }
    return out;
  }

  // Carries out an outcome as the adapter does; false when a write failed.
  bool carry_out(const Key& key, const Outcome& outcome) {
    for (const Write& write : outcome.writes) {
      written.push_back(write.about);
      if (!write_one(write)) return false;
    }
    const auto found = migrations_.find(key);
    if (found != migrations_.end() && outcome.status != nullptr) {
      EXPECT_EQ(found->second.metadata.resource_version, outcome.resource_version)
          << "a status beside a write to the object itself";
      auto read = crds::read_lenient<crds::MigrationStatus>(*outcome.status, "status");
      found->second.status = read.value();
      ++status_writes;
    }
    for (const Event& event : outcome.events) events.push_back(event.reason);
    return true;
  }

  bool write_one(const Write& write) {
    if (write.kind == Kind::migration || write.kind == Kind::database) return patch_own(write);
    auto& object = objects[{write.kind, write.key}];
    if (write.verb == Verb::apply) {
      object = *write.body;
      return true;
    }
    try {
      object = object.patch(*write.body);
    } catch (const nlohmann::json::exception&) {
      return false;
    }
    return true;
  }

  bool patch_own(const Write& write) {
    crds::ObjectMeta* meta = nullptr;
    if (migrations_.contains(write.key) && write.kind == Kind::migration) {
      meta = &migrations_.at(write.key).metadata;
    } else if (databases.contains(write.key)) {
      meta = &databases.at(write.key).metadata;
    }
    if (meta == nullptr) return false;
    Json finalizers = {{"uid", meta->uid}, {"resourceVersion", meta->resource_version}};
    if (!meta->finalizers.empty()) finalizers["finalizers"] = meta->finalizers;
    Json object = {{"metadata", finalizers}};
    object = object.patch(*write.body);
    meta->finalizers.clear();
    if (object["metadata"].contains("finalizers")) {
      meta->finalizers = object["metadata"]["finalizers"].get<std::vector<std::string>>();
    }
    meta->resource_version += "x";
    if (meta->deleting() && meta->finalizers.empty() && write.kind == Kind::migration) {
      migrations_.erase(write.key);
    }
    return true;
  }

  static bool matches(const Json& object, const std::string& selector) {
    const auto equals = selector.find('=');
    const auto labels = object.value("/metadata/labels"_json_pointer, Json::object());
    return labels.value(selector.substr(0, equals), "") == selector.substr(equals + 1);
  }

  Json& at(Kind kind, const std::string& name) { return objects[{kind, {"shop", name}}]; }

  bool forbidden = false;
  std::optional<base::Error> undecodable;
  std::map<std::pair<Kind, Key>, Json> objects;
  std::map<Key, crds::Migration> migrations_;
  std::map<Key, crds::Database> databases;
  std::vector<std::string> written;
  std::vector<std::string> events;
  int status_writes = 0;
};

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
  std::optional<base::Error> plan_error, start_error, adopt_error;
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

class FakeHttp final : public HttpProbe {
 public:
  base::Result<HttpProbeAnswer> get(const base::Context&,
                                    const HttpProbeRequest& request) override {
    requests.push_back(request.url);
    last = request;
    return answer;
  }
  HttpProbeAnswer answer{200, ""};
  std::vector<std::string> requests;
  HttpProbeRequest last;
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

// One Migration users-v2 of Database shop in namespace shop, Ready from the start.
class Lab {
 public:
  Lab() : rollout(std::make_shared<FakeRollout>()) {
    rollout->clock = &clock;
    rollout->planned = plan_of("aaaa");
    crds::Database database;
    database.metadata.ns = "shop";
    database.metadata.name = "shop";
    database.metadata.uid = "db-1";
    database.spec.connection.secret_ref.name = "shop-db";
    cluster.databases[{"shop", "shop"}] = database;
    cluster.at(Kind::secret, "shop-db") = {{"data", Json::object()}};
    connect();
    cluster.migrations_[key] = make("users-v2");
  }

  crds::Migration make(const std::string& name) {
    crds::Migration migration;
    migration.metadata.ns = "shop";
    migration.metadata.name = name;
    migration.metadata.uid = "uid-" + name;
    migration.metadata.resource_version = "1";
    migration.metadata.generation = 1;
    migration.metadata.creation_timestamp =
        std::chrono::floor<std::chrono::seconds>(clock.wall()) + std::chrono::seconds(created_++);
    migration.spec.database_ref.name = "shop";
    plan::AddColumn add;
    add.table = "users";
    add.column.name = "plan";
    add.column.type = "text";
    migration.spec.operations = {add};
    return migration;
  }

  void connect() {
    sql::Endpoint endpoint;
    pools.configure({"shop", "shop"}, "db-1", endpoint, {});
    pools.remember({"shop", "shop"}, ServerFacts{});
  }

  World world() {
    const std::stop_token never;
    World w{base::Context(never, clock, base::Logger()), cluster, pools, runner, http, {}};
    w.rollout = [this](const std::shared_ptr<sql::Pool>&) { return rollout; };
    return w;
  }

  crds::Migration& m() { return cluster.migrations_.at(key); }
  crds::MigrationSpec& spec() { return m().spec; }
  crds::MigrationStatus& status() { return m().status; }
  [[nodiscard]] bool gone() const { return !cluster.migrations_.contains(key); }

  // The object is edited: a new generation.
  template <typename Change>
  void edit(Change change) {
    change(spec());
    ++m().metadata.generation;
    m().metadata.resource_version += "e";
  }
  void remove() {
    m().metadata.deletion_timestamp = std::chrono::floor<std::chrono::seconds>(clock.wall());
  }

  Outcome reconcile() {
    auto outcome = reconciler->reconcile(world(), key);
    EXPECT_TRUE(outcome.ok()) << outcome.error().text();
    if (!outcome.ok()) return {};
    cluster.carry_out(key, *outcome);
    return *outcome;
  }
  // Reconciles, lets time pass as the outcome asks and jobs end, until a phase is printed.
  bool until(Phase phase, int most = 60) {
    for (int i = 0; i < most; ++i) {
      const Outcome outcome = reconcile();
      if (gone()) return false;
      if (status().phase == phase) return true;
      pass(outcome);
    }
    return false;
  }
  // The same with jobs ending at once and everything that was decided having happened.
  void settle(int most = 40) {
    for (int i = 0; i < most && !gone(); ++i) pass(reconcile());
  }
  void pass(const Outcome& outcome) {
    clock.advance(outcome.requeue_after.value_or(1s));
    if (runner.busy() && jobs_end) runner.finish();
  }
  bool until_gone(int most = 60) {
    for (int i = 0; i < most; ++i) {
      const Outcome outcome = reconcile();
      if (gone()) return true;
      pass(outcome);
    }
    return false;
  }
  void restart() { reconciler = std::make_unique<MigrationReconciler>(); }

  [[nodiscard]] const crds::Condition* condition(ConditionType type) {
    return status().conditions.find(type);
  }
  [[nodiscard]] std::string reason(ConditionType type) {
    const auto* found = condition(type);
    return found == nullptr ? "" : found->reason;
  }
  [[nodiscard]] bool is_true(ConditionType type) { return status().conditions.is_true(type); }
  [[nodiscard]] bool says(const std::string& word) {
    return status().message.find(word) != std::string::npos;
  }
  [[nodiscard]] bool told(const std::string& event) {
    return std::ranges::find(cluster.events, event) != cluster.events.end();
  }

  const Key key{"shop", "users-v2"};
  support::FakeClock clock;
  FakeCluster cluster;
  Pools pools;
  FakeRunner runner;
  FakeHttp http;
  std::shared_ptr<FakeRollout> rollout;
  std::unique_ptr<MigrationReconciler> reconciler = std::make_unique<MigrationReconciler>();
  bool jobs_end = true;

 private:
  int created_ = 0;
};

// A Lab with Service, blue and green, and a controller that makes Deployments settle at once.
class Shop : public Lab {
 public:
  Shop() {
    cluster.at(Kind::service, "shop") = {{"spec", {{"selector", {{"track", "blue"}}}}}};
    deployment("blue", 2);
    deployment("green", 2);
    crds::SwitchSpec move;
    move.blue_green.service.name = "shop";
    move.blue_green.selector_key = "track";
    move.blue_green.blue = {"shop-blue", "blue", 30s};
    move.blue_green.green = {"shop-green", "green"};
    move.bake = 60s;
    spec().switch_spec = move;
    kubelet();
  }
  void deployment(const std::string& track, int replicas) {
    cluster.at(Kind::deployment, "shop-" + track) = {
        {"metadata", {{"generation", 1}}},
        {"spec", {{"replicas", replicas}, {"selector", {{"matchLabels", {{"track", track}}}}}}}};
  }
  int replicas(const std::string& track) {
    return cluster.at(Kind::deployment, "shop-" + track)["spec"]["replicas"].get<int>();
  }
  std::string selected() {
    return cluster.at(Kind::service, "shop")["spec"]["selector"]["track"].get<std::string>();
  }
  void point_at(const std::string& track) {
    cluster.at(Kind::service, "shop")["spec"]["selector"]["track"] = track;
  }

  // Pods, Deployment statuses and EndpointSlices follow what is wanted.
  void kubelet() {
    std::erase_if(cluster.objects,
                  [](const auto& entry) { return entry.first.first == Kind::pod; });
    for (const std::string track : {"blue", "green"}) {
      auto& object = cluster.at(Kind::deployment, "shop-" + track);
      const int wanted = object["spec"]["replicas"].get<int>();
      object["status"] = {{"observedGeneration", 1},
                          {"replicas", wanted},
                          {"updatedReplicas", wanted},
                          {"availableReplicas", wanted}};
      for (int i = 0; i < wanted; ++i) {
        const std::string name = track + "-" + std::to_string(i);
        cluster.at(Kind::pod,
                   name) = {{"metadata", {{"name", name}, {"labels", {{"track", track}}}}}};
      }
    }
    Json endpoints = Json::array();
    for (int i = 0; i < replicas(selected()); ++i) {
      endpoints.push_back({{"conditions", {{"ready", true}}},
                           {"targetRef", {{"name", selected() + "-" + std::to_string(i)}}}});
    }
    cluster.at(Kind::endpoint_slice, "shop-1") = {
        {"metadata", {{"labels", {{"kubernetes.io/service-name", "shop"}}}}},
        {"endpoints", endpoints}};
  }
  bool until(Phase phase, int most = 120) {
    for (int i = 0; i < most; ++i) {
      const Outcome outcome = reconcile();
      if (gone()) return false;
      if (status().phase == phase) return true;
      pass(outcome);
      kubelet();
    }
    return false;
  }
  bool until_gone(int most = 120) {
    for (int i = 0; i < most; ++i) {
      const Outcome outcome = reconcile();
      if (gone()) return true;
      pass(outcome);
      kubelet();
    }
    return false;
  }
  void settle(int most = 20) {
    for (int i = 0; i < most && !gone(); ++i) {
      pass(reconcile());
      kubelet();
    }
  }
};

}  // namespace lockkeeper::reconcile::testing
