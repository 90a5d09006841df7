// Keys that need a reconcile: each at most once, never two at work for one key, none lost.
//
// Thread-safe. A key added while it is being worked on comes again when that work is done. A
// delayed key waits until its time; of two times the earlier wins. retry() waits 5 ms x 2^n up to
// 1000 s per key. Keys of low priority (initial list, resync) come only when no other is ready.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "dbcore/base/clock.h"
#include "dbcore/base/mutex.h"
#include "operator/kube/object.h"

namespace lockkeeper::kube {

class Metrics;

enum class Priority { high, low };

struct QueueOptions {
  std::string name{};  // of the controller, for metrics
  std::chrono::milliseconds backoff_base{5};
  std::chrono::milliseconds backoff_max{1'000'000};
  std::function<double()> random{};  // jitter of retry; left out: the process's
};

class Queue {
 public:
  // clock and metrics must outlive it; metrics may be null.
  Queue(QueueOptions options, const base::Clock& clock, Metrics* metrics = nullptr);
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  void add(const ObjectKey& key, Priority priority = Priority::high);
  // A delay of zero or less is add().
  void add_after(const ObjectKey& key, base::Clock::Duration delay,
                 Priority priority = Priority::high);
  // add_after with this key's growing wait, or at_least if that is longer; gives the wait.
  base::Clock::Duration retry(const ObjectKey& key, base::Clock::Duration at_least = {});
  // The next retry of this key starts small again.
  void forget(const ObjectKey& key);
  // How often retry() was called since the last forget().
  [[nodiscard]] int retries(const ObjectKey& key) const;

  // The next ready key; waits for one. nullopt only when stopped. done() must follow.
  [[nodiscard]] std::optional<ObjectKey> take(const std::stop_token& stop);
  // The same without waiting; nullopt when none is ready.
  [[nodiscard]] std::optional<ObjectKey> try_take();
  void done(const ObjectKey& key);

  [[nodiscard]] std::size_t depth() const;    // ready keys
  [[nodiscard]] std::size_t delayed() const;  // keys that wait for their time

 private:
  struct Ready {
    Priority priority{};
    base::Clock::Steady since{};
    std::list<ObjectKey>::iterator place;
  };
  struct Delayed {
    base::Clock::Steady due{};
    Priority priority{};
  };

  void insert(const ObjectKey& key, Priority priority) LK_REQUIRES(mutex_);
  void postpone(const ObjectKey& key, Delayed entry) LK_REQUIRES(mutex_);
  void drop_due(const ObjectKey& key, base::Clock::Steady due) LK_REQUIRES(mutex_);
  void promote() LK_REQUIRES(mutex_);
  std::optional<ObjectKey> pop() LK_REQUIRES(mutex_);
  void wake_one() LK_REQUIRES(mutex_);
  [[nodiscard]] base::Clock::Duration until_next() const LK_REQUIRES(mutex_);
  [[nodiscard]] std::pair<double, double> unfinished() const;
  void publish_depth() const LK_REQUIRES(mutex_);

  const QueueOptions options_;
  const base::Clock& clock_;
  Metrics* const metrics_;

  mutable base::Mutex mutex_;
  std::list<ObjectKey> high_ LK_GUARDED_BY(mutex_);
  std::list<ObjectKey> low_ LK_GUARDED_BY(mutex_);
  std::unordered_map<ObjectKey, Ready, ObjectKeyHash> ready_ LK_GUARDED_BY(mutex_);
  // At work, with when they were taken; and what was added to them meanwhile.
  std::unordered_map<ObjectKey, base::Clock::Steady, ObjectKeyHash> processing_
      LK_GUARDED_BY(mutex_);
  std::unordered_map<ObjectKey, Priority, ObjectKeyHash> dirty_ LK_GUARDED_BY(mutex_);
  std::unordered_map<ObjectKey, Delayed, ObjectKeyHash> delayed_ LK_GUARDED_BY(mutex_);
  std::map<base::Clock::Steady, std::unordered_set<ObjectKey, ObjectKeyHash>> due_
      LK_GUARDED_BY(mutex_);
  std::unordered_map<ObjectKey, int, ObjectKeyHash> retries_ LK_GUARDED_BY(mutex_);
  std::list<std::stop_source> sleepers_ LK_GUARDED_BY(mutex_);
};

}  // namespace lockkeeper::kube
