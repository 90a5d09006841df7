#include "dbcore/sql/pool.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <deque>

#include "dbcore/base/mutex.h"

namespace lockkeeper::sql {
namespace {

using base::Result;

constexpr int most_connecting = 4;
constexpr std::chrono::seconds longest_reset{5};  // a peer that hangs is given up
constexpr double retry_jitter = 0.2;
constexpr double share_of_connections = 0.8;

struct Idle {
  std::unique_ptr<Session> session;
  base::Clock::Steady since;
};

base::Error exhausted(std::chrono::milliseconds waited, int max) {
  return base::unavailable("no database session came free within " +
                           std::to_string(waited.count()) + " ms")
      .with_detail("all " + std::to_string(max) + " are in use")
      .with_hint("raise pool.max, or lower what runs at once")
      .with_reason("PoolExhausted");
}

base::Error closed() {
  return base::unavailable("the pool is closed").with_reason("PoolClosed");
}

}  // namespace

// What pool and leases share; outlives the pool while leases are out.
struct Lease::Home {
  mutable base::Mutex mutex;
  std::condition_variable_any changed;
  Endpoint endpoint LK_GUARDED_BY(mutex);
  PoolOptions options LK_GUARDED_BY(mutex);
  std::uint64_t generation LK_GUARDED_BY(mutex) = 0;
  std::deque<Idle> idle LK_GUARDED_BY(mutex);      // the one used last at the back
  PoolStatistics statistics LK_GUARDED_BY(mutex);  // open counts idle, leased and connecting
  bool is_closed LK_GUARDED_BY(mutex) = false;
  const base::Clock* clock LK_GUARDED_BY(mutex) = &base::Clock::real();
  const std::shared_ptr<SlowLog> slow_log = std::make_shared<SlowLog>();

  // What acquire was given: an idle session, or leave to connect one.
  struct Slot {
    std::unique_ptr<Session> session;
    Endpoint endpoint;
    PoolOptions options;
    std::uint64_t generation = 0;
  };

  Result<Slot> take_slot(const base::Context& ctx);
  std::optional<Slot> try_slot() LK_REQUIRES(mutex);
  [[nodiscard]] Slot new_slot() const LK_REQUIRES(mutex);
  void give_back(std::unique_ptr<Session> session, std::uint64_t of_generation);
  void forget(bool was_connecting);
  Result<Lease> connect(const base::Context& ctx, Slot slot, std::shared_ptr<Home> self);
  void close_idle() LK_REQUIRES(mutex);
};

Lease::Home::Slot Lease::Home::new_slot() const {
  Slot slot{nullptr, endpoint, options, generation};
  slot.options.settings.slow_log = slow_log;
  return slot;
}

std::optional<Lease::Home::Slot> Lease::Home::try_slot() {
  if (!idle.empty()) {
    Slot slot = new_slot();
    slot.session = std::move(idle.back().session);
    idle.pop_back();
    return slot;
  }
  if (statistics.open >= options.max || statistics.connecting >= most_connecting) return {};
  ++statistics.open;
  ++statistics.connecting;
  return new_slot();
}

Result<Lease::Home::Slot> Lease::Home::take_slot(const base::Context& ctx) {
  base::Lock lock(mutex);
  clock = &ctx.clock();
  const auto patience = options.acquire_timeout;
  const auto asked = ctx.clock().now();
  const auto until = asked + patience;
  ++statistics.waiting;
  std::optional<Slot> slot;
  const auto ready = [&]() LK_REQUIRES(mutex) {
    if (!is_closed && !slot) slot = try_slot();
    return is_closed || slot.has_value();
  };
  while (!ready() && !ctx.stop().stop_requested()) {
    const auto left = std::min<base::Clock::Duration>(until - ctx.clock().now(), ctx.remaining());
    if (left <= base::Clock::Duration::zero()) break;
    changed.wait_for(lock, ctx.stop(), left, ready);
  }
  --statistics.waiting;
  statistics.acquire_wait += ctx.clock().now() - asked;
  if (is_closed) return closed();
  if (slot) {
    ++statistics.acquired;
    return std::move(*slot);
  }
  TRY_OK(ctx.check());
  ++statistics.acquire_timeouts;
  return exhausted(patience, options.max);
}

// A session that ended, or a connection that was not made.
void Lease::Home::forget(bool was_connecting) {
  const base::Lock lock(mutex);
  --statistics.open;
  if (was_connecting) {
    --statistics.connecting;
    ++statistics.connect_failures;
  }
  changed.notify_all();
}

Result<Lease> Lease::Home::connect(const base::Context& ctx, Slot slot,
                                   std::shared_ptr<Home> self) {
  const auto waits = retry_waits(slot.options.retry);
  for (std::size_t tries = 0;; ++tries) {
    auto made = Session::connect(ctx, slot.endpoint, slot.options.settings);
    if (made.ok()) {
      const base::Lock lock(mutex);
      --statistics.connecting;
      ++statistics.connects;
      changed.notify_all();
      return Lease(std::move(self), std::make_unique<Session>(std::move(made).value()),
                   slot.generation);
    }
    const bool again = made.error().code == base::ErrorCode::unavailable && tries < waits.size() &&
                       ctx.remaining() > waits[tries];
    if (!again) {
      forget(true);
      return std::move(made).error();
    }
    const double spread = 1.0 + retry_jitter * (2.0 * base::random_unit() - 1.0);
    ctx.log().warn("cannot connect, trying again",
                   {{"endpoint", slot.endpoint.display()}, {"error", made.error().text()}});
    const auto slept =
        ctx.sleep(std::chrono::duration_cast<base::Clock::Duration>(waits[tries] * spread));
    if (!slept.ok()) {
      forget(true);
      return slept.error();
    }
  }
}

void Lease::Home::give_back(std::unique_ptr<Session> session, std::uint64_t of_generation) {
  const bool sound = session && !session->broken() && !session->in_transaction();
  const std::int64_t slow = session ? session->slow_queries() : 0;
  {
    const base::Lock lock(mutex);
    statistics.slow_queries += slow;
    if (sound && !is_closed && of_generation == generation && statistics.open <= options.max) {
      session->count_slow_queries_anew();
      idle.push_back({std::move(session), clock->now()});
    } else {
      --statistics.open;
    }
    changed.notify_all();
  }
  session.reset();  // closes outside the lock
}

void Lease::Home::close_idle() {
  statistics.open -= static_cast<int>(idle.size());
  idle.clear();
}

Lease::Lease(std::shared_ptr<Home> home, std::unique_ptr<Session> session, std::uint64_t generation)
    : home_(std::move(home)), session_(std::move(session)), generation_(generation) {}

Lease::Lease(Lease&&) noexcept = default;

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    if (home_) home_->give_back(std::move(session_), generation_);
    home_ = std::move(other.home_);
    session_ = std::move(other.session_);
    generation_ = other.generation_;
  }
  return *this;
}

Lease::~Lease() {
  if (home_) home_->give_back(std::move(session_), generation_);
}

void Lease::discard() {
  if (session_) session_->close();
}

Pool::Pool(Endpoint endpoint, PoolOptions options) : home_(std::make_shared<Lease::Home>()) {
  const base::Lock lock(home_->mutex);
  home_->endpoint = std::move(endpoint);
  home_->options = std::move(options);
}

Pool::~Pool() {
  close();
}

Result<Lease> Pool::acquire(const base::Context& ctx) {
  for (;;) {
    TRY(auto slot, home_->take_slot(ctx));
    if (!slot.session) return home_->connect(ctx, std::move(slot), home_);
    // The server may have restarted, or the last user left something behind.
    const auto reset = slot.session->reset(ctx.with_timeout(longest_reset), slot.options.settings);
    if (reset.ok()) return Lease(home_, std::move(slot.session), slot.generation);
    slot.session.reset();
    home_->forget(false);
    TRY_OK(ctx.check());
    // Anything but a connection that went away would meet a new session as well.
    if (reset.error().code != base::ErrorCode::unavailable) return reset.error();
  }
}

PoolStatistics Pool::statistics() const {
  const base::Lock lock(home_->mutex);
  PoolStatistics now = home_->statistics;
  now.idle = static_cast<int>(home_->idle.size());
  return now;
}

std::shared_ptr<SlowLog> Pool::slow_log() const {
  return home_->slow_log;
}

Endpoint Pool::endpoint() const {
  const base::Lock lock(home_->mutex);
  return home_->endpoint;
}

PoolOptions Pool::options() const {
  const base::Lock lock(home_->mutex);
  return home_->options;
}

void Pool::reconfigure(Endpoint endpoint, PoolOptions options) {
  const base::Lock lock(home_->mutex);
  if (!(home_->endpoint == endpoint)) {
    ++home_->generation;
    home_->close_idle();
  }
  home_->endpoint = std::move(endpoint);
  home_->options = std::move(options);
  home_->changed.notify_all();
}

void Pool::sweep(const base::Context& ctx) {
  std::vector<Idle> ended;  // closed outside the lock
  const base::Lock lock(home_->mutex);
  const auto oldest = ctx.clock().now() - home_->options.idle_timeout;
  auto& idle = home_->idle;
  while (!idle.empty() && idle.front().since <= oldest &&
         home_->statistics.open > home_->options.min) {
    ended.push_back(std::move(idle.front()));
    idle.pop_front();
    --home_->statistics.open;
  }
}

void Pool::close() {
  const base::Lock lock(home_->mutex);
  home_->is_closed = true;
  home_->close_idle();
  home_->changed.notify_all();
}

std::vector<std::chrono::milliseconds> retry_waits(const RetryPolicy& policy) {
  std::vector<std::chrono::milliseconds> waits;
  waits.reserve(static_cast<std::size_t>(std::max(policy.max_attempts, 0)));
  base::Backoff backoff({policy.backoff, 2.0, std::chrono::milliseconds(60'000), 0.0});
  for (int i = 0; i < policy.max_attempts; ++i) waits.push_back(backoff.next());
  return waits;
}

int recommended_pool_max(int max_connections, int application_instances) {
  const int share = max_connections / std::max(application_instances, 1);
  return std::max(1, static_cast<int>(std::floor(share * share_of_connections)));
}

}  // namespace lockkeeper::sql
