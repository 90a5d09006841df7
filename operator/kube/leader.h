// One leader among replicas, by a Lease of coordination.k8s.io/v1. It only elects: what fences is
// in the database.
//
// run() belongs to one thread; the questions are thread-safe. Only the locally observed time of a
// changed record counts, never a clock of another machine.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "dbcore/base/context.h"
#include "dbcore/base/mutex.h"
#include "dbcore/base/result.h"
#include "operator/kube/client.h"

namespace lockkeeper::kube {

class Metrics;

struct LeaderOptions {
  std::string ns = "lockkeeper-system";
  std::string name = "lockkeeper";
  std::string identity{};  // make_identity()
  std::chrono::milliseconds lease{15'000};
  std::chrono::milliseconds renew_deadline{10'000};
  std::chrono::milliseconds retry{2'000};
  double jitter = 1.2;  // of retry: [1, 1 + 1.2) times
  std::function<double()> random{};
};

// hostname_uuid: another one for each process.
std::string make_identity();

class LeaderElection {
 public:
  // client: its own, without a rate limit. client and metrics must outlive it; metrics may be null.
  LeaderElection(Client& client, LeaderOptions options, Metrics* metrics = nullptr);

  // Tries until it leads, calls on_leading once (which must return soon: it starts threads), and
  // renews. Returns ok when the context was stopped (the lease is then given up), and precondition
  // with reason "LeaseLost" when another took it or it could not be renewed in time.
  [[nodiscard]] base::Result<void> run(const base::Context& ctx,
                                       const std::function<void()>& on_leading);

  [[nodiscard]] bool leading() const { return leading_.load(); }
  // Who held the lease when it was last read; empty when nobody.
  [[nodiscard]] std::string holder() const;
  // False when this process leads but has not renewed for lease + 20 s: /livez must fail.
  [[nodiscard]] bool healthy(const base::Clock& clock) const;

 private:
  struct Record {
    std::string holder{};
    int duration_seconds = 0;
    int transitions = 0;
    std::string acquire_time{};
    std::string renew_time{};
    std::string resource_version{};
    bool operator==(const Record&) const = default;
  };
  // True when we hold the lease after it.
  base::Result<bool> try_once(const base::Context& ctx);
  base::Result<bool> write(const base::Context& ctx, const Record& next);
  base::Result<void> acquire(const base::Context& ctx);
  // Until stopped (cancelled) or lost (precondition).
  base::Error renew(const base::Context& ctx);
  // One renewal, tried again until the deadline.
  base::Result<void> renew_once(const base::Context& ctx);
  void release(const base::Context& ctx);
  void observe(const base::Context& ctx, Record record);
  void set_leading(bool leading);
  [[nodiscard]] bool free_to_take(const base::Context& ctx) const;
  [[nodiscard]] base::Clock::Duration attempt_timeout() const;
  [[nodiscard]] Record ours(const base::Context& ctx) const;
  [[nodiscard]] Json lease_of(const Record& record) const;
  static Record record_of(const Json& lease);

  Client& client_;
  const LeaderOptions options_;
  Metrics* const metrics_;
  std::optional<Record> observed_;
  base::Clock::Steady observed_at_{};
  std::atomic<bool> leading_{false};
  std::atomic<base::Clock::Steady> renewed_at_{};
  mutable base::Mutex mutex_;
  std::string holder_ LK_GUARDED_BY(mutex_);
};

}  // namespace lockkeeper::kube
