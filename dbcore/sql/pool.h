// A bounded pool of sessions to one endpoint. Thread-safe.
//
// acquire() gives a Lease that gives itself back: sound sessions are reset and kept, broken ones
// closed. Connecting is retried by the retry table (0.5, 1, 2, 4, 8 s with jitter, only for errors
// that are unavailable). The endpoint and the settings can be replaced while leases are out: those
// finish on the old one.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dbcore/base/backoff.h"
#include "dbcore/sql/session.h"
#include "dbcore/sql/slow_log.h"

namespace lockkeeper::sql {

struct RetryPolicy {
  int max_attempts = 5;
  std::chrono::milliseconds backoff{500};
  bool operator==(const RetryPolicy&) const = default;
};

// The waits between tries, without jitter: 5 and 500 ms give 500, 1000, 2000, 4000, 8000 ms. The
// first try stands before them, so there is one try more than there are waits.
std::vector<std::chrono::milliseconds> retry_waits(const RetryPolicy& policy);

struct PoolOptions {
  int max = 20;
  int min = 5;  // kept open even when idle, once they were needed
  std::chrono::milliseconds acquire_timeout{5'000};
  std::chrono::milliseconds idle_timeout{60'000};
  RetryPolicy retry;
  SessionSettings settings;
  bool operator==(const PoolOptions&) const = default;
};

struct PoolStatistics {
  int open = 0;
  int idle = 0;
  int waiting = 0;
  int connecting = 0;
  std::int64_t acquired = 0;
  base::Clock::Duration acquire_wait{};  // of all that were acquired or timed out, summed
  std::int64_t acquire_timeouts = 0;
  std::int64_t connects = 0;
  std::int64_t connect_failures = 0;
  std::int64_t slow_queries = 0;
};

class Pool;

class Lease {
 public:
  Lease(Lease&&) noexcept;
  Lease& operator=(Lease&&) noexcept;
  ~Lease();
  Session& operator*() const { return *session_; }
  Session* operator->() const { return session_.get(); }
  // The session is closed instead of pooled when the lease ends.
  void discard();

 private:
  friend class Pool;
  struct Home;
  Lease(std::shared_ptr<Home> home, std::unique_ptr<Session> session, std::uint64_t generation);
  std::shared_ptr<Home> home_;
  std::unique_ptr<Session> session_;
  std::uint64_t generation_ = 0;
};

class Pool {
 public:
  Pool(Endpoint endpoint, PoolOptions options);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // unavailable with reason PoolExhausted when none came free within acquire_timeout. At most four
  // connections are being made at once: the rest wait for one of these or for a lease to end.
  base::Result<Lease> acquire(const base::Context& ctx);
  [[nodiscard]] PoolStatistics statistics() const;
  // Statements of its sessions that took longer than SessionSettings::slow_query; never null.
  [[nodiscard]] std::shared_ptr<SlowLog> slow_log() const;
  [[nodiscard]] Endpoint endpoint() const;
  [[nodiscard]] PoolOptions options() const;
  // New leases use these; idle sessions of the old endpoint are closed.
  void reconfigure(Endpoint endpoint, PoolOptions options);
  // Closes idle sessions past idle_timeout down to min; call now and then.
  void sweep(const base::Context& ctx);
  // New acquires fail with unavailable; idle sessions are closed.
  void close();

 private:
  std::shared_ptr<Lease::Home> home_;
};

// floor(max_connections / application_instances) * 0.8, at least 1. 200 and 4 give 40.
int recommended_pool_max(int max_connections, int application_instances);

}  // namespace lockkeeper::sql
