#include "operator/product_metrics.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace lockkeeper::app {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using reconcile::PoolView;
using Labels = std::vector<ClientMetric::Label>;

MetricFamily family(const char* name, const char* help, MetricType type) {
  MetricFamily made;
  made.name = name;
  made.help = help;
  made.type = type;
  return made;
}

void add(MetricFamily& to, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (to.type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  to.metric.push_back(std::move(metric));
}

Labels labels_of(const PoolView& pool) {
  return {{"namespace", pool.database.ns},
          {"database", pool.database.name},
          {"role", pool.replica == 0 ? "primary" : "replica-" + std::to_string(pool.replica)}};
}

Labels with(Labels labels, const char* name, std::string value) {
  labels.push_back({name, std::move(value)});
  return labels;
}

using Number = double (*)(const PoolView&);
struct Row {
  const char* name;
  const char* help;
  MetricType type;
  Number number;
};

double seconds(base::Clock::Duration d) {
  return std::chrono::duration<double>(d).count();
}

constexpr auto gauge = MetricType::Gauge;
constexpr auto counter = MetricType::Counter;

const Row rows[] = {
    {"lockkeeper_pool_max_sessions", "Sessions that the pool may have open.", gauge,
     [](const PoolView& p) -> double { return p.max; }},
    {"lockkeeper_pool_waiting", "Callers that wait for a session.", gauge,
     [](const PoolView& p) -> double { return p.statistics.waiting; }},
    {"lockkeeper_pool_acquired_total", "Sessions that were lent.", counter,
     [](const PoolView& p) { return static_cast<double>(p.statistics.acquired); }},
    {"lockkeeper_pool_acquire_wait_seconds_total", "Time that callers waited for a session.",
     counter, [](const PoolView& p) { return seconds(p.statistics.acquire_wait); }},
    {"lockkeeper_pool_acquire_timeouts_total", "Callers that went away without a session.", counter,
     [](const PoolView& p) { return static_cast<double>(p.statistics.acquire_timeouts); }},
    {"lockkeeper_pool_connects_total", "Sessions that were opened.", counter,
     [](const PoolView& p) { return static_cast<double>(p.statistics.connects); }},
    {"lockkeeper_pool_connect_failures_total", "Sessions that could not be opened.", counter,
     [](const PoolView& p) { return static_cast<double>(p.statistics.connect_failures); }},
    {"lockkeeper_slow_statements_total", "Statements that took longer than spec.logging.slowQuery.",
     counter, [](const PoolView& p) { return static_cast<double>(p.slow_count); }},
};

MetricFamily sessions_family(const std::vector<PoolView>& pools) {
  auto sessions = family("lockkeeper_pool_sessions", "Sessions of the pool by state.", gauge);
  for (const PoolView& pool : pools) {
    const auto& now = pool.statistics;
    const Labels labels = labels_of(pool);
    add(sessions, with(labels, "state", "idle"), now.idle);
    add(sessions, with(labels, "state", "connecting"), now.connecting);
    add(sessions, with(labels, "state", "in_use"),
        std::max(0, now.open - now.idle - now.connecting));
  }
  return sessions;
}

// What the last look saw; a server that does not answer has no numbers rather than old ones.
void add_activity(std::vector<MetricFamily>& families, const std::vector<PoolView>& pools) {
  auto connections = family("lockkeeper_database_connections",
                            "Client sessions of the database by state, ours included.", gauge);
  auto longest = family("lockkeeper_database_longest_transaction_seconds",
                        "Age of the oldest open transaction that we can see.", gauge);
  auto lengthy = family("lockkeeper_database_long_queries",
                        "Queries that have been running for more than 30 seconds.", gauge);
  auto most = family("lockkeeper_database_max_connections", "The server's max_connections.", gauge);
  for (const PoolView& pool : pools) {
    if (!pool.facts) continue;
    const Labels labels = labels_of(pool);
    add(most, labels, pool.facts->server.max_connections);
    if (!pool.facts->activity) continue;
    for (const auto& [state, count] : pool.facts->activity->connections) {
      add(connections, with(labels, "state", state), count);
    }
    add(longest, labels, static_cast<double>(pool.facts->activity->longest_transaction.count()));
    add(lengthy, labels, pool.facts->activity->long_queries);
  }
  families.insert(families.end(), {connections, longest, lengthy, most});
}

}  // namespace

std::vector<MetricFamily> pool_metrics(const std::vector<PoolView>& pools) {
  std::vector<MetricFamily> families{sessions_family(pools)};
  for (const Row& row : rows) {
    MetricFamily made = family(row.name, row.help, row.type);
    for (const PoolView& pool : pools) add(made, labels_of(pool), row.number(pool));
    families.push_back(std::move(made));
  }
  add_activity(families, pools);
  return families;
}

std::vector<MetricFamily> object_metrics(const MigrationStore& migrations,
                                         const DatabaseStore& databases) {
  auto objects = family("lockkeeper_store_objects", "Objects that the cache holds.", gauge);
  add(objects, {{"kind", "Database"}}, static_cast<double>(databases.size()));
  auto phases = family("lockkeeper_migrations", "Migrations by printed phase.", gauge);
  auto stalled =
      family("lockkeeper_migrations_stalled", "Migrations that wait for an edit.", gauge);
  std::map<std::string, int> by_phase;
  int all = 0;
  int waiting = 0;
  migrations.visit([&](const Cached<crds::Migration>& cached) {
    ++all;
    if (!cached.object) {
      ++waiting;
      return;
    }
    const auto& status = cached.object->status;
    ++by_phase[std::string(to_string(status.phase.value_or(crds::Phase::pending)))];
    if (status.conditions.is_true(crds::ConditionType::stalled)) ++waiting;
  });
  add(objects, {{"kind", "Migration"}}, all);
  add(stalled, {}, waiting);
  for (const auto& [phase, count] : by_phase) add(phases, {{"phase", phase}}, count);
  return {objects, phases, stalled};
}

std::string slow_statements(const std::vector<PoolView>& pools) {
  std::vector<std::pair<const PoolView*, const sql::SlowStatement*>> all;
  for (const PoolView& pool : pools) {
    for (const sql::SlowStatement& slow : pool.slow) all.emplace_back(&pool, &slow);
  }
  std::ranges::sort(all, [](const auto& a, const auto& b) { return a.second->at > b.second->at; });
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [pool, slow] : all) {
    const auto at =
        std::chrono::duration_cast<std::chrono::milliseconds>(slow->at.time_since_epoch());
    list.push_back({{"namespace", pool->database.ns},
                    {"database", pool->database.name},
                    {"endedAtUnixMs", at.count()},
                    {"durationMs", slow->took.count()},
                    {"verb", slow->verb},
                    {"digest", slow->digest},
                    {"applicationName", slow->application},
                    {"pid", slow->pid}});
  }
  const auto replace = nlohmann::ordered_json::error_handler_t::replace;
  return nlohmann::ordered_json{{"statements", std::move(list)}}.dump(1, ' ', false, replace) +
         "\n";
}

}  // namespace lockkeeper::app
