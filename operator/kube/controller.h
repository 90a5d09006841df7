// Worker threads around a queue: a key in, an outcome out, and one switch that turns the outcome
// into a queue action, a metric and a line in the log.
//
// | outcome                   | queue                                                | metric |
// |---------------------------|------------------------------------------------------|---------------|
// | done                      | nothing                                              | success | |
// done with requeue_after   | at that time                                         | requeue_after
// | | unavailable, internal     | per-key backoff with jitter, Retry-After at least    | error | |
// conflict                  | at once the first time, then as above                | requeue | |
// precondition              | 10 s x 2^n up to 5 min                               | requeue_after
// | | invalid                   | nothing: the user must edit the object               |
// terminal_error| | cancelled                 | nothing |               |
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dbcore/base/context.h"
#include "dbcore/base/result.h"
#include "operator/kube/queue.h"

namespace lockkeeper::kube {

class Metrics;

struct Reconciled {
  std::optional<std::chrono::milliseconds> requeue_after{};
};

// Must be safe to call from several threads with different keys. The context carries the key, the
// controller and the reconcile id ("reconcileID") in its log, and the time limit of one reconcile.
using Reconcile =
    std::function<base::Result<Reconciled>(const base::Context& ctx, const ObjectKey& key)>;

struct ControllerOptions {
  std::string name{};
  int workers = 1;
  std::chrono::milliseconds timeout{120'000};  // of one reconcile
  // Every key is added with low priority each period (10 h with 10 % jitter); empty: no resync.
  std::function<std::vector<ObjectKey>()> resync_keys{};
  std::chrono::milliseconds resync_period{std::chrono::hours{10}};
};

class Controller {
 public:
  // clock and metrics must outlive it; metrics may be null.
  Controller(ControllerOptions options, Reconcile reconcile, const base::Clock& clock,
             Metrics* metrics = nullptr);

  [[nodiscard]] Queue& queue() { return queue_; }

  // Blocks until the context is stopped and every worker has returned.
  void run(const base::Context& ctx);
  // Reconciles one ready key in this thread; false when none was ready. For tests.
  bool work_once(const base::Context& ctx);

 private:
  void work(const base::Context& ctx, const ObjectKey& key);
  // What was done, as the metric calls it; empty when it does not count.
  std::string_view settle(const base::Context& ctx, const ObjectKey& key,
                          const base::Result<Reconciled>& outcome);
  std::string_view settle_error(const base::Context& ctx, const ObjectKey& key,
                                const base::Error& error);
  void resync(const base::Context& ctx);

  using Counts = std::unordered_map<ObjectKey, int, ObjectKeyHash>;
  // How often it was counted before.
  int count(Counts& counts, const ObjectKey& key) LK_EXCLUDES(mutex_);
  void forget(const ObjectKey& key) LK_EXCLUDES(mutex_);

  const ControllerOptions options_;
  const Reconcile reconcile_;
  const base::Clock& clock_;
  Metrics* const metrics_;
  Queue queue_;
  // In a row, without a reconcile between them that was done.
  base::Mutex mutex_;
  Counts preconditions_;
  Counts conflicts_;
};

}  // namespace lockkeeper::kube
