#include "operator/kube/controller.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <thread>
#include <utility>

#include "dbcore/base/backoff.h"
#include "operator/kube/metrics.h"

namespace lockkeeper::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds precondition_base{10};
constexpr seconds precondition_max{300};
constexpr double resync_jitter = 0.1;

base::Clock::Duration precondition_wait(int retries) {
  const double factor = std::pow(2.0, std::min(retries, 10));
  const auto grown = std::chrono::duration_cast<milliseconds>(precondition_base * factor);
  return std::min<milliseconds>(grown, precondition_max);
}

std::int64_t to_ms(base::Clock::Duration d) {
  return std::chrono::duration_cast<milliseconds>(d).count();
}

// Eight characters that name one reconcile in the log, in application_name and in Events.
std::string reconcile_id() {
  static constexpr char digits[] = "0123456789abcdef";
  auto bits = static_cast<std::uint64_t>(base::random_unit() * 4294967296.0);
  std::string id(8, '0');
  for (char& c : id) {
    c = digits[bits & 0xFU];
    bits >>= 4U;
  }
  return id;
}

}  // namespace

Controller::Controller(ControllerOptions options, Reconcile reconcile, const base::Clock& clock,
                       Metrics* metrics)
    : options_(std::move(options)),
      reconcile_(std::move(reconcile)),
      clock_(clock),
      metrics_(metrics),
      queue_({.name = options_.name}, clock, metrics) {
  if (metrics_ != nullptr) metrics_->add_controller(options_.name, options_.workers);
}

void Controller::run(const base::Context& ctx) {
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<std::size_t>(options_.workers));
  for (int i = 0; i < options_.workers; ++i) {
    threads.emplace_back([this, &ctx] {
      while (const auto key = queue_.take(ctx.stop())) work(ctx, *key);
    });
  }
  resync(ctx);
}

bool Controller::work_once(const base::Context& ctx) {
  const auto key = queue_.try_take();
  if (!key) return false;
  work(ctx, *key);
  return true;
}

void Controller::work(const base::Context& ctx, const ObjectKey& key) {
  const base::Context mine = ctx.with_log("controller", options_.name)
                                 .with_log("namespace", key.ns)
                                 .with_log("name", key.name)
                                 .with_log("reconcileID", reconcile_id())
                                 .with_timeout(options_.timeout);
  if (metrics_ != nullptr) metrics_->active_workers(options_.name, 1);
  const auto begun = clock_.now();
  const auto outcome = reconcile_(mine, key);
  const std::string_view result = settle(mine, key, outcome);
  if (metrics_ != nullptr) {
    metrics_->active_workers(options_.name, -1);
    if (!result.empty()) metrics_->reconciled(options_.name, result, clock_.now() - begun);
  }
  queue_.done(key);
}

std::string_view Controller::settle(const base::Context& ctx, const ObjectKey& key,
                                    const base::Result<Reconciled>& outcome) {
  if (!outcome.ok()) return settle_error(ctx, key, outcome.error());
  forget(key);
  if (!outcome->requeue_after) return "success";
  queue_.add_after(key, *outcome->requeue_after);
  return "requeue_after";
}

std::string_view Controller::settle_error(const base::Context& ctx, const ObjectKey& key,
                                          const base::Error& error) {
  const base::Clock::Duration at_least = error.retry_after.value_or(milliseconds{0});
  const std::string text = error.text();
  switch (error.code) {
    case base::ErrorCode::cancelled: return "";
    case base::ErrorCode::invalid:
      forget(key);
      if (metrics_ != nullptr) metrics_->terminal_error(options_.name);
      ctx.log().warn("reconcile refused: the object must be edited", {{"error", text}});
      return "error";
    case base::ErrorCode::precondition: {
      const auto wait = std::max(at_least, precondition_wait(count(preconditions_, key)));
      queue_.add_after(key, wait);
      ctx.log().info("reconcile waits for its world to change",
                     {{"error", text}, {"wait_ms", to_ms(wait)}});
      return "requeue_after";
    }
    case base::ErrorCode::conflict:
      if (count(conflicts_, key) == 0 && at_least == base::Clock::Duration::zero()) {
        queue_.add(key);
        ctx.log().debug("reconcile conflicted: again at once", {{"error", text}});
        return "requeue";
      }
      break;
    case base::ErrorCode::unavailable:
    case base::ErrorCode::internal: break;
  }
  const auto wait = queue_.retry(key, at_least);
  if (error.code == base::ErrorCode::internal) {
    ctx.log().error("reconcile failed", {{"error", text}, {"wait_ms", to_ms(wait)}});
  } else {
    ctx.log().warn("reconcile failed, tried again later",
                   {{"error", text}, {"wait_ms", to_ms(wait)}});
  }
  return "error";
}

int Controller::count(Counts& counts, const ObjectKey& key) {
  const base::Lock lock(mutex_);
  return counts[key]++;
}

void Controller::forget(const ObjectKey& key) {
  queue_.forget(key);
  const base::Lock lock(mutex_);
  preconditions_.erase(key);
  conflicts_.erase(key);
}

void Controller::resync(const base::Context& ctx) {
  while (true) {
    const double factor = 1.0 + resync_jitter * base::random_unit();
    const auto period =
        std::chrono::duration_cast<base::Clock::Duration>(options_.resync_period * factor);
    if (!clock_.sleep(period, ctx.stop())) return;
    if (!options_.resync_keys) continue;
    for (const ObjectKey& key : options_.resync_keys()) queue_.add(key, Priority::low);
  }
}

}  // namespace lockkeeper::kube
