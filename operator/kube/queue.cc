#include "operator/kube/queue.h"

#include <algorithm>
#include <cmath>

#include "dbcore/base/backoff.h"
#include "operator/kube/metrics.h"

namespace lockkeeper::kube {
namespace {

// Longest single sleep of a worker with nothing to wait for; being woken is the rule.
constexpr std::chrono::hours idle{1};
constexpr int largest_exponent = 40;

}  // namespace

Queue::Queue(QueueOptions options, const base::Clock& clock, Metrics* metrics)
    : options_(std::move(options)), clock_(clock), metrics_(metrics) {
  if (metrics_ != nullptr) {
    metrics_->watch_queue(options_.name, [this] { return unfinished(); });
  }
}

Queue::~Queue() {
  if (metrics_ != nullptr) metrics_->forget_queue(options_.name);
}

void Queue::add(const ObjectKey& key, Priority priority) {
  const base::Lock lock(mutex_);
  insert(key, priority);
}

void Queue::insert(const ObjectKey& key, Priority priority) {
  if (processing_.contains(key)) {
    const auto [entry, fresh] = dirty_.try_emplace(key, priority);
    if (!fresh) entry->second = std::min(entry->second, priority);
    if (fresh && metrics_ != nullptr) metrics_->queue_added(options_.name);
    return;
  }
  const auto found = ready_.find(key);
  if (found == ready_.end()) {
    auto& list = priority == Priority::high ? high_ : low_;
    ready_.emplace(key, Ready{priority, clock_.now(), list.insert(list.end(), key)});
    if (metrics_ != nullptr) metrics_->queue_added(options_.name);
    publish_depth();
    wake_one();
    return;
  }
  if (priority < found->second.priority) {
    low_.erase(found->second.place);
    found->second.place = high_.insert(high_.end(), key);
    found->second.priority = priority;
  }
}

void Queue::add_after(const ObjectKey& key, base::Clock::Duration delay, Priority priority) {
  const base::Lock lock(mutex_);
  if (delay <= base::Clock::Duration::zero()) {
    insert(key, priority);
    return;
  }
  postpone(key, Delayed{clock_.now() + delay, priority});
}

void Queue::postpone(const ObjectKey& key, Delayed entry) {
  const auto found = delayed_.find(key);
  if (found != delayed_.end()) {
    found->second.priority = std::min(found->second.priority, entry.priority);
    if (found->second.due <= entry.due) return;
    entry.priority = found->second.priority;
    drop_due(key, found->second.due);
  }
  delayed_.insert_or_assign(key, entry);
  due_[entry.due].insert(key);
  wake_one();
}

void Queue::drop_due(const ObjectKey& key, base::Clock::Steady due) {
  const auto slot = due_.find(due);
  if (slot == due_.end()) return;
  slot->second.erase(key);
  if (slot->second.empty()) due_.erase(slot);
}

base::Clock::Duration Queue::retry(const ObjectKey& key, base::Clock::Duration at_least) {
  base::Clock::Duration wait{};
  {
    const base::Lock lock(mutex_);
    const int tries = retries_[key]++;
    const double factor = std::pow(2.0, std::min(tries, largest_exponent));
    const std::chrono::duration<double, std::milli> grown(
        std::min(static_cast<double>(options_.backoff_base.count()) * factor,
                 static_cast<double>(options_.backoff_max.count())));
    // Up to a tenth more, so that objects that failed together do not return together.
    const double share = options_.random ? options_.random() : base::random_unit();
    wait = std::chrono::duration_cast<base::Clock::Duration>(grown * (1.0 + 0.1 * share));
  }
  wait = std::max(wait, at_least);
  if (metrics_ != nullptr) metrics_->queue_retried(options_.name);
  add_after(key, wait);
  return wait;
}

void Queue::forget(const ObjectKey& key) {
  const base::Lock lock(mutex_);
  retries_.erase(key);
}

int Queue::retries(const ObjectKey& key) const {
  const base::Lock lock(mutex_);
  const auto found = retries_.find(key);
  return found == retries_.end() ? 0 : found->second;
}

void Queue::promote() {
  const auto now = clock_.now();
  while (!due_.empty() && due_.begin()->first <= now) {
    const auto keys = std::move(due_.begin()->second);
    due_.erase(due_.begin());
    for (const ObjectKey& key : keys) {
      const Priority priority = delayed_.at(key).priority;
      delayed_.erase(key);
      insert(key, priority);
    }
  }
}

std::optional<ObjectKey> Queue::pop() {
  auto& list = high_.empty() ? low_ : high_;
  if (list.empty()) return std::nullopt;
  const ObjectKey key = list.front();
  const auto found = ready_.find(key);
  const auto now = clock_.now();
  if (metrics_ != nullptr) metrics_->queue_waited(options_.name, now - found->second.since);
  list.pop_front();
  ready_.erase(found);
  processing_.emplace(key, now);
  publish_depth();
  return key;
}

std::optional<ObjectKey> Queue::try_take() {
  const base::Lock lock(mutex_);
  promote();
  return pop();
}

std::optional<ObjectKey> Queue::take(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::list<std::stop_source>::iterator place;
    std::stop_source wake;
    base::Clock::Duration wait{};
    {
      const base::Lock lock(mutex_);
      promote();
      if (auto key = pop()) {
        // Whoever is woken for one key leaves the others to the next sleeper.
        if (!ready_.empty()) wake_one();
        return key;
      }
      wait = until_next();
      place = sleepers_.insert(sleepers_.end(), wake);
    }
    {
      const std::stop_callback on_stop(stop, [&wake] { wake.request_stop(); });
      clock_.sleep(wait, wake.get_token());
    }
    const base::Lock lock(mutex_);
    sleepers_.erase(place);
  }
  return std::nullopt;
}

base::Clock::Duration Queue::until_next() const {
  if (due_.empty()) return idle;
  return std::min<base::Clock::Duration>(idle, due_.begin()->first - clock_.now());
}

void Queue::wake_one() {
  for (std::stop_source& sleeper : sleepers_) {
    if (sleeper.request_stop()) return;  // false: woken already, and on its way
  }
}

void Queue::done(const ObjectKey& key) {
  const base::Lock lock(mutex_);
  const auto found = processing_.find(key);
  if (found == processing_.end()) return;
  if (metrics_ != nullptr) metrics_->queue_worked(options_.name, clock_.now() - found->second);
  processing_.erase(found);
  const auto again = dirty_.find(key);
  if (again == dirty_.end()) return;
  const Priority priority = again->second;
  dirty_.erase(again);
  auto& list = priority == Priority::high ? high_ : low_;
  ready_.emplace(key, Ready{priority, clock_.now(), list.insert(list.end(), key)});
  publish_depth();
  wake_one();
}

std::size_t Queue::depth() const {
  const base::Lock lock(mutex_);
  return ready_.size();
}

std::size_t Queue::delayed() const {
  const base::Lock lock(mutex_);
  return delayed_.size();
}

std::pair<double, double> Queue::unfinished() const {
  const base::Lock lock(mutex_);
  const auto now = clock_.now();
  double sum = 0;
  double longest = 0;
  for (const auto& [key, since] : processing_) {
    const double seconds = std::chrono::duration<double>(now - since).count();
    sum += seconds;
    longest = std::max(longest, seconds);
  }
  return {sum, longest};
}

void Queue::publish_depth() const {
  if (metrics_ != nullptr) metrics_->queue_depth(options_.name, ready_.size());
}

}  // namespace lockkeeper::kube
