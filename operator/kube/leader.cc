#include "operator/kube/leader.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "dbcore/base/backoff.h"
#include "operator/kube/metrics.h"
#include "operator/kube/timestamps.h"

namespace lockkeeper::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Resource leases{.group = "coordination.k8s.io", .version = "v1", .plural = "leases"};

// /livez may fail only when the lease has long run out: a restart cannot help before that.
constexpr seconds patience{20};
constexpr seconds release_limit{2};

std::string text_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

int number_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? found->get<int>() : 0;
}

base::Error lost(std::string message) {
  return base::precondition(std::move(message)).with_reason("LeaseLost");
}

}  // namespace

std::string make_identity() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host = {'l', 'o', 'c', 'k'};
  static constexpr char digits[] = "0123456789abcdef";
  std::random_device random;
  std::string id = std::string(host.data()).substr(0, 63) + "_";
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) id += '-';
    id += digits[random() & 0xFU];
  }
  return id;
}

LeaderElection::LeaderElection(Client& client, LeaderOptions options, Metrics* metrics)
    : client_(client), options_(std::move(options)), metrics_(metrics) {
  if (metrics_ != nullptr) metrics_->add_lease(options_.name);
}

base::Result<void> LeaderElection::run(const base::Context& ctx,
                                       const std::function<void()>& on_leading) {
  if (auto acquired = acquire(ctx); !acquired.ok()) {
    if (acquired.error().code == base::ErrorCode::cancelled) return {};
    return acquired;
  }
  set_leading(true);
  ctx.log().info("leading", {{"lease", options_.name}, {"identity", options_.identity}});
  on_leading();
  base::Error ended = renew(ctx);
  set_leading(false);
  if (ended.code != base::ErrorCode::cancelled) {
    ctx.log().error("lease lost", {{"lease", options_.name}, {"error", ended.text()}});
    return ended;
  }
  release(ctx);
  return {};
}

base::Result<void> LeaderElection::acquire(const base::Context& ctx) {
  while (true) {
    const auto held = try_once(ctx.with_timeout(attempt_timeout()));
    if (held.ok() && *held) return {};
    TRY_OK(ctx.check());
    if (!held.ok()) {
      ctx.log().warn("cannot acquire the lease", {{"error", held.error().text()}});
    }
    const double share = options_.random ? options_.random() : base::random_unit();
    TRY_OK(ctx.sleep(std::chrono::duration_cast<base::Clock::Duration>(
        options_.retry * (1.0 + options_.jitter * share))));
  }
}

base::Error LeaderElection::renew(const base::Context& ctx) {
  while (true) {
    if (auto slept = ctx.sleep(options_.retry); !slept.ok()) return std::move(slept).error();
    if (auto renewed = renew_once(ctx); !renewed.ok()) return std::move(renewed).error();
  }
}

base::Result<void> LeaderElection::renew_once(const base::Context& ctx) {
  const auto deadline = renewed_at_.load() + options_.renew_deadline;
  while (true) {
    TRY_OK(ctx.check());
    // A process that stood still finds its deadline passed before it asks anybody.
    const auto left = deadline - ctx.clock().now();
    if (left <= base::Clock::Duration::zero()) return lost("the lease was not renewed in time");
    const auto held =
        try_once(ctx.with_timeout(std::min<base::Clock::Duration>(left, attempt_timeout())));
    if (held.ok() && *held) return {};
    if (held.ok() && observed_ && observed_->holder != options_.identity) {
      return lost("the lease is held by " + observed_->holder);
    }
    if (!held.ok() && held.error().code != base::ErrorCode::cancelled) {
      ctx.log().warn("cannot renew the lease", {{"error", held.error().text()}});
    }
    TRY_OK(ctx.sleep(std::min<base::Clock::Duration>(
        options_.retry, std::max(base::Clock::Duration{1}, deadline - ctx.clock().now()))));
  }
}

base::Result<bool> LeaderElection::try_once(const base::Context& ctx) {
  const auto lease = client_.get(ctx, leases, {options_.ns, options_.name});
  if (!lease.ok() && !is_not_found(lease.error())) return lease.error();
  if (!lease.ok()) {
    observed_.reset();
    return write(ctx, ours(ctx));
  }
  observe(ctx, record_of(*lease));
  if (!free_to_take(ctx)) return false;
  return write(ctx, ours(ctx));
}

bool LeaderElection::free_to_take(const base::Context& ctx) const {
  if (observed_->holder.empty() || observed_->holder == options_.identity) return true;
  const auto theirs = std::max<milliseconds>(seconds{observed_->duration_seconds}, options_.lease);
  return ctx.clock().now() - observed_at_ >= theirs;
}

base::Result<bool> LeaderElection::write(const base::Context& ctx, const Record& next) {
  const Json lease = lease_of(next);
  const auto begun = ctx.clock().now();
  const auto written = next.resource_version.empty()
                           ? client_.create(ctx, leases, options_.ns, lease)
                           : client_.replace(ctx, leases, {options_.ns, options_.name}, lease);
  if (!written.ok()) {
    // Another was faster, or the request went out twice: the next look at the lease tells.
    if (written.error().code == base::ErrorCode::conflict) return false;
    return written.error();
  }
  observe(ctx, record_of(*written));
  // Counted from before the request: the others may see the change earlier than we the answer.
  renewed_at_ = begun;
  return true;
}

LeaderElection::Record LeaderElection::ours(const base::Context& ctx) const {
  Record next;
  next.holder = options_.identity;
  next.duration_seconds =
      static_cast<int>(std::chrono::duration_cast<seconds>(options_.lease).count());
  next.renew_time = micro_timestamp(ctx.clock().wall());
  next.acquire_time = next.renew_time;
  if (!observed_) return next;
  next.resource_version = observed_->resource_version;
  next.transitions = observed_->transitions;
  if (observed_->holder == options_.identity) {
    next.acquire_time = observed_->acquire_time;
  } else {
    ++next.transitions;
  }
  return next;
}

void LeaderElection::release(const base::Context& ctx) {
  if (!observed_ || observed_->holder != options_.identity) return;
  Record empty = ours(ctx);
  empty.holder.clear();
  empty.duration_seconds = 1;
  // The stop that ends us must not end this request.
  const auto last = ctx.with_stop({}).with_timeout(release_limit);
  const auto written = write(last, empty);
  if (written.ok() && *written) {
    ctx.log().info("lease released", {{"lease", options_.name}});
  } else {
    ctx.log().warn("lease not released: it runs out by itself", {{"lease", options_.name}});
  }
}

Json LeaderElection::lease_of(const Record& record) const {
  Json lease = {{"apiVersion", "coordination.k8s.io/v1"},
                {"kind", "Lease"},
                {"metadata", {{"name", options_.name}, {"namespace", options_.ns}}},
                {"spec",
                 {{"leaseDurationSeconds", record.duration_seconds},
                  {"leaseTransitions", record.transitions},
                  {"acquireTime", record.acquire_time},
                  {"renewTime", record.renew_time}}}};
  if (!record.holder.empty()) lease["spec"]["holderIdentity"] = record.holder;
  if (!record.resource_version.empty()) {
    lease["metadata"]["resourceVersion"] = record.resource_version;
  }
  return lease;
}

LeaderElection::Record LeaderElection::record_of(const Json& lease) {
  Record record;
  if (const auto metadata = lease.find("metadata"); metadata != lease.end()) {
    record.resource_version = text_member(*metadata, "resourceVersion");
  }
  const auto spec = lease.find("spec");
  if (spec == lease.end() || !spec->is_object()) return record;
  record.holder = text_member(*spec, "holderIdentity");
  record.duration_seconds = number_member(*spec, "leaseDurationSeconds");
  record.transitions = number_member(*spec, "leaseTransitions");
  record.acquire_time = text_member(*spec, "acquireTime");
  record.renew_time = text_member(*spec, "renewTime");
  return record;
}

void LeaderElection::observe(const base::Context& ctx, Record record) {
  if (observed_ == record) return;
  {
    const base::Lock lock(mutex_);
    holder_ = record.holder;
  }
  observed_ = std::move(record);
  observed_at_ = ctx.clock().now();
}

void LeaderElection::set_leading(bool leading) {
  leading_ = leading;
  if (metrics_ != nullptr) metrics_->leader(options_.name, leading);
}

base::Clock::Duration LeaderElection::attempt_timeout() const {
  return options_.renew_deadline / 2;
}

std::string LeaderElection::holder() const {
  const base::Lock lock(mutex_);
  return holder_;
}

bool LeaderElection::healthy(const base::Clock& clock) const {
  return !leading_ || clock.now() - renewed_at_.load() <= options_.lease + patience;
}

}  // namespace lockkeeper::kube
