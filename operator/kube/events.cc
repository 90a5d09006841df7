#include "operator/kube/events.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "dbcore/base/backoff.h"
#include "operator/kube/metrics.h"
#include "operator/kube/timestamps.h"

namespace lockkeeper::kube {
namespace {

using std::chrono::seconds;

const Resource events_resource{.group = "events.k8s.io", .version = "v1", .plural = "events"};

constexpr std::size_t note_limit = 1'024;
constexpr std::size_t word_limit = 128;
constexpr std::size_t name_limit = 253;
constexpr seconds sweep_every{30};
constexpr std::chrono::hours idle{1};
constexpr seconds farewell{2};
constexpr base::BackoffPolicy retry_policy{
    .base = std::chrono::milliseconds{1'000}, .factor = 2, .max = seconds{30}, .jitter = 0.3};

Json reference(const ObjectReference& object) {
  Json out = {{"apiVersion", object.api_version}, {"kind", object.kind}, {"name", object.name}};
  if (!object.ns.empty()) out["namespace"] = object.ns;
  if (!object.uid.empty()) out["uid"] = object.uid;
  if (!object.resource_version.empty()) out["resourceVersion"] = object.resource_version;
  return out;
}

// Events of cluster-scoped objects live in "default".
std::string namespace_of(const ObjectReference& object) {
  return object.ns.empty() ? "default" : object.ns;
}

bool worth_retrying(const base::Error& error) {
  return error.code == base::ErrorCode::unavailable || error.code == base::ErrorCode::cancelled;
}

}  // namespace

std::string cut_note(std::string_view note, std::size_t limit) {
  if (note.size() <= limit) return std::string(note);
  std::size_t end = limit;
  // Back to the first byte of the character that would be cut.
  while (end > 0 && (static_cast<unsigned char>(note[end]) & 0xC0U) == 0x80U) --end;
  return std::string(note.substr(0, end));
}

EventRecorder::EventRecorder(Client& client, EventOptions options, const base::Clock& clock,
                             Metrics* metrics)
    : client_(client), options_(std::move(options)), clock_(clock), metrics_(metrics) {}

void EventRecorder::record(Event event) {
  event.note = cut_note(event.note, note_limit);
  const base::Lock lock(mutex_);
  if (queue_.size() >= options_.capacity) {
    ++dropped_;
    if (metrics_ != nullptr) metrics_->event_dropped();
    return;
  }
  queue_.push_back({std::move(event), clock_.now(), clock_.wall()});
  wake_.request_stop();
}

EventRecorder::SeriesKey EventRecorder::key_of(const Event& event) {
  ObjectReference object = event.regarding;
  object.resource_version.clear();  // each change of the object has another
  return {std::move(object), event.warning, event.reason, event.action, event.note};
}

std::optional<EventRecorder::Pending> EventRecorder::pop() {
  const base::Lock lock(mutex_);
  if (queue_.empty()) return std::nullopt;
  Pending first = std::move(queue_.front());
  queue_.pop_front();
  return first;
}

void EventRecorder::put_back(Pending pending) {
  const base::Lock lock(mutex_);
  queue_.push_front(std::move(pending));
}

base::Result<void> EventRecorder::pump(const base::Context& ctx) {
  while (auto pending = pop()) {
    auto taken = take(ctx, *pending);
    if (taken.ok()) continue;
    if (worth_retrying(taken.error())) {
      put_back(std::move(*pending));
      return taken;
    }
    ctx.log().debug("event dropped", {{"error", taken.error().text()}});
  }
  sweep(ctx);
  return {};
}

base::Result<void> EventRecorder::take(const base::Context& ctx, const Pending& pending) {
  const SeriesKey key = key_of(pending.event);
  const auto found = series_.find(key);
  if (found == series_.end() || pending.at - found->second.last_seen > options_.series_finish) {
    return create(ctx, key, pending);
  }
  Series& series = found->second;
  Series next = series;
  ++next.count;
  next.last_seen = pending.at;
  next.last_wall = pending.wall;
  if (next.count == 2) {
    TRY_OK(send_count(ctx, key, next));
  }
  series = std::move(next);
  return {};
}

std::string EventRecorder::name_for(const Event& event) {
  // Another name for each event of each process, in the order of time.
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(clock_.wall().time_since_epoch())
          .count();
  const std::string suffix = fmt::format(".{:x}{:04x}", micros, ++names_ & 0xFFFFU);
  return event.regarding.name.substr(0, name_limit - suffix.size()) + suffix;
}

base::Result<void> EventRecorder::create(const base::Context& ctx, const SeriesKey& key,
                                         const Pending& pending) {
  const Event& event = pending.event;
  const std::string ns = namespace_of(event.regarding);
  const std::string name = name_for(event);
  const Json body = {{"apiVersion", "events.k8s.io/v1"},
                     {"kind", "Event"},
                     {"metadata", {{"name", name}, {"namespace", ns}}},
                     {"eventTime", micro_timestamp(pending.wall)},
                     {"type", event.warning ? "Warning" : "Normal"},
                     {"reason", cut_note(event.reason, word_limit)},
                     {"action", cut_note(event.action, word_limit)},
                     {"note", event.note},
                     {"reportingController", options_.controller},
                     {"reportingInstance", cut_note(options_.instance, word_limit)},
                     {"regarding", reference(event.regarding)}};
  const auto made = client_.create(ctx, events_resource, ns, body);
  // A request that went out twice meets its own first try.
  if (!made.ok() && !is_already_exists(made.error())) return made.error();
  Series series;
  series.name = name;
  series.last_seen = pending.at;
  series.last_wall = pending.wall;
  series.last_sent = clock_.now();
  series_.insert_or_assign(key, std::move(series));
  return {};
}

base::Result<void> EventRecorder::send_count(const base::Context& ctx, const SeriesKey& key,
                                             Series& series) {
  const Json change = {
      {"series",
       {{"count", series.count}, {"lastObservedTime", micro_timestamp(series.last_wall)}}}};
  const auto sent = client_.merge_patch(ctx, events_resource,
                                        {namespace_of(std::get<0>(key)), series.name}, change);
  if (!sent.ok() && !is_not_found(sent.error())) return sent.error();
  series.sent_count = series.count;
  series.last_sent = clock_.now();
  return {};
}

void EventRecorder::sweep(const base::Context& ctx) {
  const auto now = clock_.now();
  for (auto entry = series_.begin(); entry != series_.end();) {
    Series& series = entry->second;
    const bool finished = now - series.last_seen > options_.series_finish;
    const bool due = finished || now - series.last_sent >= options_.series_refresh;
    bool sent = true;
    if (due && series.count > series.sent_count) {
      const auto done = send_count(ctx, entry->first, series);
      sent = done.ok() || !worth_retrying(done.error());
    }
    entry = finished && sent ? series_.erase(entry) : std::next(entry);
  }
}

void EventRecorder::run(const base::Context& ctx) {
  base::Backoff backoff(retry_policy);
  while (!ctx.stop().stop_requested()) {
    const auto pumped = pump(ctx);
    if (pumped.ok()) {
      backoff.reset();
      wait(ctx, series_.empty() ? base::Clock::Duration(idle) : base::Clock::Duration(sweep_every));
    } else {
      const auto& after = pumped.error().retry_after;
      clock_.sleep(after ? *after : backoff.next(), ctx.stop());
    }
  }
  const auto flushed = pump(ctx.with_stop({}).with_timeout(farewell));
  if (!flushed.ok()) ctx.log().debug("events left unsent", {{"error", flushed.error().text()}});
}

void EventRecorder::wait(const base::Context& ctx, base::Clock::Duration at_most) {
  std::stop_source wake;
  {
    const base::Lock lock(mutex_);
    if (!queue_.empty()) return;
    wake_ = wake;
  }
  const std::stop_callback on_stop(ctx.stop(), [&wake] { wake.request_stop(); });
  clock_.sleep(at_most, wake.get_token());
}

std::size_t EventRecorder::queued() const {
  const base::Lock lock(mutex_);
  return queue_.size();
}

std::size_t EventRecorder::dropped() const {
  const base::Lock lock(mutex_);
  return dropped_;
}

}  // namespace lockkeeper::kube
