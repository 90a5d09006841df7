#include "reconciler/database_reconciler.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "crds/database.h"
#include "crds/migration.h"
#include "reconciler/connection.h"
#include "reconciler/invalid_object.h"
#include "reconciler/ownership.h"
#include "reconciler/reason_words.h"
#include "reconciler/server_verdict.h"

namespace lockkeeper::reconcile {
namespace {

using crds::ConditionStatus;
using crds::ConditionType;
using crds::Reason;
using std::chrono::milliseconds;

// Secrets are not watched: this is how soon a new one is seen.
constexpr milliseconds healthy_period{15'000};
constexpr milliseconds failing_period{5'000};
constexpr milliseconds look_timeout{15'000};
constexpr milliseconds hurtful{5'000};

// What one look found, ready to be said.
struct Finding {
  bool ready = false;
  Reason reason = Reason::connected;
  std::string message;
};

Finding failed(const base::Error& error) {
  if (error.reason == crds::to_string(Reason::namespace_not_opened)) {
    return {false, Reason::namespace_not_opened, error.text()};
  }
  return {false, connection_reason(error), error.text()};
}

std::vector<std::string> users_of(const World& world, const crds::Database& database) {
  std::vector<std::string> names;
  for (const auto& migration : world.cluster.migrations(database.metadata.ns)) {
    const auto& conditions = migration->status.conditions;
    const bool terminal = conditions.is_true(ConditionType::contracted) ||
                          conditions.is_true(ConditionType::rolled_back);
    if (migration->spec.database_ref.name == database.metadata.name && !terminal) {
      names.push_back(migration->metadata.name);
    }
  }
  return names;
}

class Look {
 public:
  Look(const World& world, const crds::Database& database)
      : world_(world), database_(database), key_{database.metadata.ns, database.metadata.name} {
    status_ = database.status;
    status_.observed_generation = database.metadata.generation;
  }

  Outcome work();
  Outcome refused(const base::Error& error);

 private:
  [[nodiscard]] std::optional<int> recommended() const;
  base::Result<std::shared_ptr<sql::Pool>> connect();
  base::Result<Finding> inspect(sql::Pool& pool);
  Finding praise(const ServerFacts& facts);
  std::string complaints_of_replicas();
  base::Result<void> look_at_replica(std::size_t index);
  void show_pool();
  void tell_slow();
  void conclude(const Finding& finding);
  Outcome outcome(milliseconds period);

  const World& world_;
  const crds::Database& database_;
  Key key_;
  crds::DatabaseStatus status_;
  std::vector<Event> events_;
};

std::optional<int> Look::recommended() const {
  const auto facts = world_.pools.facts(key_);
  if (!facts || !database_.spec.sizing) return std::nullopt;
  return sql::recommended_pool_max(facts->server.max_connections,
                                   database_.spec.sizing->application_instances);
}

base::Result<std::shared_ptr<sql::Pool>> Look::connect() {
  TRY(const auto endpoint, endpoint_of(world_, database_, database_.spec.connection.secret_ref));
  return world_.pools.configure(key_, database_.metadata.uid, endpoint,
                                pool_options(database_.spec, recommended()));
}

base::Result<Finding> Look::inspect(sql::Pool& pool) {
  const base::Context ctx = world_.ctx.with_timeout(look_timeout);
  pool.sweep(ctx);
  TRY(const auto facts, world_.probe_server(ctx, pool));
  status_.server_version = version_text(facts.server.version_num);
  if (const Verdict verdict = judge_server(facts, database_.spec); !verdict.open) {
    world_.pools.remember(key_, std::nullopt);
    return Finding{false, verdict.reason, verdict.message};
  }
  TRY_OK(world_.install_ledger(ctx, pool));
  world_.pools.remember(key_, facts);
  return praise(facts);
}

Finding Look::praise(const ServerFacts& facts) {
  Finding finding{true, Reason::connected,
                  fmt::format("connected to {} as {}", facts.server.database, facts.server.user)};
  if (!facts.server.sees_all_activity) {
    finding.reason = Reason::limited_visibility;
    finding.message +=
        fmt::format("; activity of others and replica lag are hidden; hint: GRANT pg_monitor TO {}",
                    sql::Identifier::trusted(facts.server.user).quoted());
  }
  finding.message += complaints_of_replicas();
  if (database_.spec.suspend) {
    finding.ready = false;
    finding.reason = Reason::suspended;
    finding.message = "spec.suspend is set: no Migration of this Database goes on";
  }
  return finding;
}

base::Result<void> Look::look_at_replica(std::size_t index) {
  const auto& secret = database_.spec.replicas[index].secret_ref;
  TRY(const auto endpoint, endpoint_of(world_, database_, secret));
  auto options = pool_options(database_.spec, std::nullopt);
  options.max = 2;
  options.min = 0;
  const auto pool =
      world_.pools.configure(replica_key(key_, index), database_.metadata.uid, endpoint, options);
  const base::Context ctx = world_.ctx.with_timeout(look_timeout);
  pool->sweep(ctx);
  TRY(const auto facts, world_.probe_server(ctx, *pool));
  if (!facts.server.in_recovery) {
    return base::precondition(fmt::format("Secret {} leads to a primary", secret.name));
  }
  return base::ok();
}

std::string Look::complaints_of_replicas() {
  std::string complaints;
  for (std::size_t i = 0; i < database_.spec.replicas.size(); ++i) {
    if (const auto seen = look_at_replica(i); !seen.ok()) {
      complaints += fmt::format("; replica {}: {}", i + 1, seen.error().text());
    }
  }
  return complaints;
}

void Look::show_pool() {
  const auto pool = world_.pools.find(key_);
  if (pool == nullptr) {
    status_.pool.reset();
    return;
  }
  const sql::PoolStatistics numbers = pool->statistics();
  status_.pool = crds::PoolStatus{recommended(), numbers.open, numbers.idle, numbers.waiting};
}

// The log and the metrics have each one; an Event is for those that hurt.
void Look::tell_slow() {
  const auto pool = world_.pools.find(key_);
  if (pool == nullptr) return;
  const auto worst = pool->slow_log()->take_worst(hurtful);
  if (!worst) return;
  events_.push_back(
      {true, std::string(to_string(Reason::slow_statement)), "Look",
       fmt::format("{} (digest {}, application {}) took {}ms; hint: GET /debug/slow "
                   "of the metrics address lists the last ones",
                   worst->verb, worst->digest, worst->application, worst->took.count())});
}

void Look::conclude(const Finding& finding) {
  const auto now = std::chrono::floor<std::chrono::seconds>(world_.now());
  const auto generation = database_.metadata.generation;
  const auto set = [&](ConditionType type, bool value, Reason reason, const std::string& message) {
    status_.conditions.set(type, value ? ConditionStatus::is_true : ConditionStatus::is_false,
                           reason, message, generation, now);
  };
  const bool news = !status_.conditions.has_reason(ConditionType::ready, finding.reason);
  const bool paused = finding.reason == Reason::suspended;
  set(ConditionType::ready, finding.ready, finding.reason, finding.message);
  set(ConditionType::reconciling, !finding.ready && !paused, finding.reason,
      finding.ready || paused ? "" : "tried again by itself");
  set(ConditionType::stalled, false, finding.ready ? Reason::healthy : finding.reason, "");
  if (news) {
    events_.push_back({!finding.ready && !paused, std::string(to_string(finding.reason)), "Connect",
                       finding.message});
  }
}

Outcome Look::outcome(milliseconds period) {
  Outcome outcome;
  outcome.uid = database_.metadata.uid;
  outcome.resource_version = database_.metadata.resource_version;
  if (!(status_ == database_.status)) {
    outcome.status = std::make_shared<const Json>(crds::write_cut(status_));
  }
  outcome.events = std::move(events_);
  outcome.requeue_after = period;
  return outcome;
}

Outcome Look::work() {
  const auto pool = connect();
  Finding finding;
  if (!pool.ok()) {
    finding = failed(pool.error());
  } else {
    const auto found = inspect(**pool);
    finding = found.ok() ? *found : failed(found.error());
  }
  show_pool();
  tell_slow();
  conclude(finding);
  return outcome(finding.ready ? healthy_period : failing_period);
}

Outcome Look::refused(const base::Error& error) {
  conclude(failed(error));
  return outcome(failing_period);
}

Outcome bare(const crds::ObjectMeta& meta) {
  Outcome outcome;
  outcome.uid = meta.uid;
  outcome.resource_version = meta.resource_version;
  return outcome;
}

void drop_pools(const World& world, const Key& key, std::size_t replicas) {
  world.pools.remove(key);
  for (std::size_t i = 0; i < replicas; ++i) world.pools.remove(replica_key(key, i));
}

Outcome hold(const World& world, const crds::Database& database,
             const std::vector<std::string>& users) {
  Outcome outcome = bare(database.metadata);
  crds::DatabaseStatus status = database.status;
  status.observed_generation = database.metadata.generation;
  const std::string message = fmt::format(
      "deletion waits for Migrations that are not terminal: {}; hint: delete them, or let them end",
      fmt::join(users, ", "));
  const bool news = !status.conditions.has_reason(ConditionType::reconciling, Reason::in_use);
  status.conditions.set(ConditionType::reconciling, ConditionStatus::is_true, Reason::in_use,
                        message, database.metadata.generation,
                        std::chrono::floor<std::chrono::seconds>(world.now()));
  if (!(status == database.status)) {
    outcome.status = std::make_shared<const Json>(crds::write_cut(status));
  }
  if (news) outcome.events.push_back({false, "InUse", "Delete", message});
  outcome.requeue_after = failing_period;
  return outcome;
}

Outcome let_go(const World& world, const crds::Database& database) {
  Outcome outcome = bare(database.metadata);
  drop_pools(world, {database.metadata.ns, database.metadata.name}, database.spec.replicas.size());
  if (database.metadata.has_finalizer(crds::finalizer)) {
    outcome.writes.push_back(remove_finalizer(Kind::database, database.metadata));
  }
  return outcome;
}

// While Migrations hold the object its connection must go on working: they need it to roll back.
Outcome hold_connected(const World& world, const crds::Database& database,
                       const std::vector<std::string>& users) {
  Look look(world, database);
  const Outcome looked = look.work();
  Outcome outcome = hold(world, database, users);
  outcome.requeue_after = looked.requeue_after;
  return outcome;
}

}  // namespace

base::Result<Outcome> DatabaseReconciler::reconcile(const World& world, const Key& key) {
  const auto read = world.cluster.database(key);
  if (!read.ok()) {
    if (read.error().code != base::ErrorCode::invalid) return read.error();
    return invalid_object(world, Kind::database, key, read.error());
  }
  if (*read == nullptr) {
    world.pools.remove(key);
    return Outcome{};
  }
  const crds::Database& database = **read;
  if (database.metadata.deleting()) {
    const auto users = users_of(world, database);
    return users.empty() ? let_go(world, database) : hold_connected(world, database, users);
  }
  if (!database.metadata.has_finalizer(crds::finalizer)) {
    Outcome outcome = bare(database.metadata);
    outcome.writes.push_back(add_finalizer(Kind::database, database.metadata));
    outcome.requeue_after = milliseconds(0);
    return outcome;
  }
  return Look(world, database).work();
}

Outcome DatabaseReconciler::write_refused(const World& world, const Key& key,
                                          const base::Error& error) {
  const auto read = world.cluster.database(key);
  if (!lasts(error) || !read.ok() || *read == nullptr) return {};
  return Look(world, **read).refused(error);
}

}  // namespace lockkeeper::reconcile
