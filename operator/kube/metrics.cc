#include "operator/kube/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <iterator>
#include <map>
#include <mutex>

namespace lockkeeper::kube {
namespace {

using Labels = prometheus::Labels;
using Buckets = prometheus::Histogram::BucketBoundaries;

prometheus::Family<prometheus::Counter>& counters(prometheus::Registry& registry, const char* name,
                                                  const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
prometheus::Family<prometheus::Gauge>& gauges(prometheus::Registry& registry, const char* name,
                                              const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}
prometheus::Family<prometheus::Histogram>& histograms(prometheus::Registry& registry,
                                                      const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

const Buckets& reconcile_buckets() {
  static const Buckets buckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3,  0.35,
                               0.4,   0.45, 0.5,   0.6,  0.7, 0.8,  0.9, 1.0,  1.25, 1.5,
                               1.75,  2.0,  2.5,   3.0,  3.5, 4.0,  4.5, 5,    6,    7,
                               8,     9,    10,    15,   20,  25,   30,  40,   50,   60};
  return buckets;
}
const Buckets& queue_buckets() {
  static const Buckets buckets{1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000};
  return buckets;
}
const Buckets& limiter_buckets() {
  static const Buckets buckets{0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60};
  return buckets;
}

double seconds(base::Clock::Duration d) {
  return std::chrono::duration<double>(d).count();
}

Labels of_controller(std::string_view name) {
  return {{"controller", std::string(name)}};
}
Labels of_queue(std::string_view name) {
  return {{"name", std::string(name)}, {"controller", std::string(name)}};
}

constexpr const char* results[] = {"success", "error", "requeue", "requeue_after"};

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& reconciles = counters(
      registry, "controller_runtime_reconcile_total", "Reconciliations by controller and result.");
  prometheus::Family<prometheus::Counter>& errors =
      counters(registry, "controller_runtime_reconcile_errors_total",
               "Reconciliations that ended in an error.");
  prometheus::Family<prometheus::Counter>& terminal =
      counters(registry, "controller_runtime_terminal_reconcile_errors_total",
               "Reconciliations whose error only a change of the object can cure.");
  prometheus::Family<prometheus::Histogram>& reconcile_time = histograms(
      registry, "controller_runtime_reconcile_time_seconds", "Length of a reconciliation.");
  prometheus::Family<prometheus::Gauge>& max_workers =
      gauges(registry, "controller_runtime_max_concurrent_reconciles", "Workers of a controller.");
  prometheus::Family<prometheus::Gauge>& active =
      gauges(registry, "controller_runtime_active_workers", "Workers that reconcile now.");
  prometheus::Family<prometheus::Gauge>& depth =
      gauges(registry, "workqueue_depth", "Keys that are ready in the queue.");
  prometheus::Family<prometheus::Counter>& adds =
      counters(registry, "workqueue_adds_total", "Keys added to the queue.");
  prometheus::Family<prometheus::Histogram>& waited =
      histograms(registry, "workqueue_queue_duration_seconds", "Time a key was ready before work.");
  prometheus::Family<prometheus::Histogram>& worked =
      histograms(registry, "workqueue_work_duration_seconds", "Time the work on a key took.");
  prometheus::Family<prometheus::Gauge>& unfinished =
      gauges(registry, "workqueue_unfinished_work_seconds", "Work in progress, summed.");
  prometheus::Family<prometheus::Gauge>& longest = gauges(
      registry, "workqueue_longest_running_processor_seconds", "The longest work in progress.");
  prometheus::Family<prometheus::Counter>& retries =
      counters(registry, "workqueue_retries_total", "Retries with a growing wait.");
  prometheus::Family<prometheus::Counter>& requests = counters(
      registry, "rest_client_requests_total", "Requests to the API server by code and method.");
  prometheus::Family<prometheus::Histogram>& limited =
      histograms(registry, "rest_client_rate_limiter_duration_seconds",
                 "Time a request waited for the client's own rate limit.");
  prometheus::Family<prometheus::Gauge>& master =
      gauges(registry, "leader_election_master_status", "1 while this process leads.");
  prometheus::Counter& events_dropped =
      counters(registry, "lockkeeper_events_dropped_total", "Events dropped: the queue was full.")
          .Add({});

  std::mutex mutex;
  std::map<std::string, Unfinished, std::less<>> probes;
  std::vector<Collector> collectors;
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

std::string Metrics::text() const {
  {
    const std::lock_guard lock(families_->mutex);
    for (const auto& [queue, probe] : families_->probes) {
      const auto work = probe();
      families_->unfinished.Add(of_queue(queue)).Set(work.first);
      families_->longest.Add(of_queue(queue)).Set(work.second);
    }
  }
  auto all = families_->registry.Collect();
  std::vector<Collector> collectors;
  {
    const std::lock_guard lock(families_->mutex);
    collectors = families_->collectors;
  }
  for (const Collector& collector : collectors) {
    auto more = collector();
    std::move(more.begin(), more.end(), std::back_inserter(all));
  }
  return prometheus::TextSerializer().Serialize(all);
}

void Metrics::add_collector(Collector collector) {
  const std::lock_guard lock(families_->mutex);
  families_->collectors.push_back(std::move(collector));
}

void Metrics::add_controller(std::string_view name, int workers) {
  const Labels labels = of_controller(name);
  for (const char* result : results) {
    Labels with_result = labels;
    with_result.emplace("result", result);
    families_->reconciles.Add(with_result);
  }
  families_->errors.Add(labels);
  families_->terminal.Add(labels);
  families_->reconcile_time.Add(labels, reconcile_buckets());
  families_->max_workers.Add(labels).Set(workers);
  families_->active.Add(labels);
  const Labels queue = of_queue(name);
  families_->depth.Add(queue);
  families_->adds.Add(queue);
  families_->waited.Add(queue, queue_buckets());
  families_->worked.Add(queue, queue_buckets());
  families_->unfinished.Add(queue);
  families_->longest.Add(queue);
  families_->retries.Add(queue);
}

void Metrics::reconciled(std::string_view controller, std::string_view result,
                         base::Clock::Duration took) {
  const Labels labels = of_controller(controller);
  Labels with_result = labels;
  with_result.emplace("result", result);
  families_->reconciles.Add(with_result).Increment();
  if (result == "error") families_->errors.Add(labels).Increment();
  families_->reconcile_time.Add(labels, reconcile_buckets()).Observe(seconds(took));
}

void Metrics::terminal_error(std::string_view controller) {
  families_->terminal.Add(of_controller(controller)).Increment();
}

void Metrics::active_workers(std::string_view controller, int change) {
  families_->active.Add(of_controller(controller)).Increment(change);
}

void Metrics::queue_added(std::string_view queue) {
  families_->adds.Add(of_queue(queue)).Increment();
}
void Metrics::queue_depth(std::string_view queue, std::size_t depth) {
  families_->depth.Add(of_queue(queue)).Set(static_cast<double>(depth));
}
void Metrics::queue_waited(std::string_view queue, base::Clock::Duration waited) {
  families_->waited.Add(of_queue(queue), queue_buckets()).Observe(seconds(waited));
}
void Metrics::queue_worked(std::string_view queue, base::Clock::Duration worked) {
  families_->worked.Add(of_queue(queue), queue_buckets()).Observe(seconds(worked));
}
void Metrics::queue_retried(std::string_view queue) {
  families_->retries.Add(of_queue(queue)).Increment();
}

void Metrics::watch_queue(std::string_view queue, Unfinished probe) {
  const std::lock_guard lock(families_->mutex);
  families_->probes.insert_or_assign(std::string(queue), std::move(probe));
}
void Metrics::forget_queue(std::string_view queue) {
  const std::lock_guard lock(families_->mutex);
  if (const auto found = families_->probes.find(queue); found != families_->probes.end()) {
    families_->probes.erase(found);
  }
}

void Metrics::request(std::string_view method, std::string_view host, std::string_view code) {
  if (const auto scheme = host.find("://"); scheme != std::string_view::npos) {
    host.remove_prefix(scheme + 3);
  }
  families_->requests
      .Add({{"method", std::string(method)},
            {"host", std::string(host.substr(0, host.find('/')))},
            {"code", std::string(code)}})
      .Increment();
}

void Metrics::rate_limited(std::string_view verb, base::Clock::Duration waited) {
  families_->limited.Add({{"verb", std::string(verb)}}, limiter_buckets()).Observe(seconds(waited));
}

void Metrics::add_lease(std::string_view name) {
  families_->master.Add({{"name", std::string(name)}});
}
void Metrics::leader(std::string_view lease, bool leading) {
  families_->master.Add({{"name", std::string(lease)}}).Set(leading ? 1 : 0);
}

void Metrics::event_dropped() {
  families_->events_dropped.Increment();
}

}  // namespace lockkeeper::kube
