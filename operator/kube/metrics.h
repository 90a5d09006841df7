// The numbers that Prometheus reads, under the names that controller-runtime and client-go use, so
// that existing dashboards work. Thread-safe; every series exists with 0 from the start.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dbcore/base/clock.h"

namespace prometheus {
class Registry;
struct MetricFamily;
}  // namespace prometheus

namespace lockkeeper::kube {

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The text exposition format, version 0.0.4.
  [[nodiscard]] std::string text() const;
  // Asked at each scrape for families of its own (lockkeeper_*): what is counted elsewhere. What it
  // stands on must outlive the last text().
  using Collector = std::function<std::vector<prometheus::MetricFamily>()>;
  void add_collector(Collector collector);

  // Makes all series of a controller and its queue.
  void add_controller(std::string_view name, int workers);
  // result: success, error, requeue, requeue_after.
  void reconciled(std::string_view controller, std::string_view result, base::Clock::Duration took);
  void terminal_error(std::string_view controller);
  void active_workers(std::string_view controller, int change);

  void queue_added(std::string_view queue);
  void queue_depth(std::string_view queue, std::size_t depth);
  void queue_waited(std::string_view queue, base::Clock::Duration waited);
  void queue_worked(std::string_view queue, base::Clock::Duration worked);
  void queue_retried(std::string_view queue);
  // Asked at each scrape: seconds of work not yet done, and of the longest one, in that order.
  // Until forget_queue of the same name.
  using Unfinished = std::function<std::pair<double, double>()>;
  void watch_queue(std::string_view queue, Unfinished probe);
  void forget_queue(std::string_view queue);

  void request(std::string_view method, std::string_view host, std::string_view code);
  void rate_limited(std::string_view verb, base::Clock::Duration waited);
  void add_lease(std::string_view name);
  void leader(std::string_view lease, bool leading);
  void event_dropped();

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace lockkeeper::kube
