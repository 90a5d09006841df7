// Tells people what happened to an object, through events.k8s.io/v1.
//
// record() never blocks and never fails: the queue holds 1,000 events and drops when full. The same
// event again within six minutes becomes a series: its count is sent at the second one, then every
// 30 minutes, and at the end. Thread-safe; run() belongs to one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>

#include "dbcore/base/context.h"
#include "dbcore/base/mutex.h"
#include "operator/kube/client.h"

namespace lockkeeper::kube {

class Metrics;

struct ObjectReference {
  std::string api_version{};
  std::string kind{};
  std::string ns{};
  std::string name{};
  std::string uid{};
  std::string resource_version{};
  auto operator<=>(const ObjectReference&) const = default;
};

struct Event {
  ObjectReference regarding{};
  bool warning = false;
  std::string reason{};  // from crds/reasons.h
  std::string action{};  // what was being done: "Expand", "Reconcile"
  std::string note{};    // cut at 1,024 characters (bytes, on a character boundary)
};

struct EventOptions {
  std::string controller = "lockkeeper.dev/operator";
  std::string instance{};  // this process: make_identity()
  std::size_t capacity = 1'000;
  std::chrono::milliseconds series_finish{std::chrono::minutes{6}};
  std::chrono::milliseconds series_refresh{std::chrono::minutes{30}};
};

class EventRecorder {
 public:
  // client and metrics must outlive it; metrics may be null.
  EventRecorder(Client& client, EventOptions options, const base::Clock& clock,
                Metrics* metrics = nullptr);

  void record(Event event);

  // Sends until the context is stopped, then what is queued for at most two seconds.
  void run(const base::Context& ctx);
  // Sends what is queued and due now. An error, unavailable or cancelled, means that something is
  // still queued. For tests and for run.
  base::Result<void> pump(const base::Context& ctx);

  [[nodiscard]] std::size_t queued() const;
  [[nodiscard]] std::size_t dropped() const;

 private:
  // What makes two events the same series.
  using SeriesKey = std::tuple<ObjectReference, bool, std::string, std::string, std::string>;
  struct Series {
    std::string name{};
    int count = 1;
    base::Clock::Steady last_seen{};
    base::Clock::Steady last_sent{};
    base::Clock::Wall last_wall{};
    int sent_count = 1;
  };
  struct Pending {
    Event event;
    base::Clock::Steady at{};
    base::Clock::Wall wall{};
  };

  base::Result<void> take(const base::Context& ctx, const Pending& pending);
  base::Result<void> create(const base::Context& ctx, const SeriesKey& key, const Pending& pending);
  base::Result<void> send_count(const base::Context& ctx, const SeriesKey& key, Series& series);
  void sweep(const base::Context& ctx);
  // Until something is recorded, the next sweep is due, or the context is stopped.
  void wait(const base::Context& ctx, base::Clock::Duration at_most);
  std::optional<Pending> pop();
  void put_back(Pending pending);
  [[nodiscard]] std::string name_for(const Event& event);
  [[nodiscard]] static SeriesKey key_of(const Event& event);

  Client& client_;
  const EventOptions options_;
  const base::Clock& clock_;
  Metrics* const metrics_;
  std::map<SeriesKey, Series> series_;
  std::uint64_t names_ = 0;

  mutable base::Mutex mutex_;
  std::deque<Pending> queue_ LK_GUARDED_BY(mutex_);
  std::size_t dropped_ LK_GUARDED_BY(mutex_) = 0;
  std::stop_source wake_ LK_GUARDED_BY(mutex_);
};

// At most limit bytes, cut before a character that would not fit whole.
std::string cut_note(std::string_view note, std::size_t limit);

}  // namespace lockkeeper::kube
