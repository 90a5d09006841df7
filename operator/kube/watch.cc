#include "operator/kube/watch.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace lockkeeper::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::BackoffPolicy retry_policy{
    .base = milliseconds{800}, .factor = 2.0, .max = milliseconds{30'000}, .jitter = 0.5};
// So long without a failure, the next one waits little again.
constexpr seconds calm{120};
constexpr seconds watch_at_least{290};
constexpr seconds watch_at_most{580};
// A watch that ends sooner and brought nothing did not work.
constexpr seconds too_short{1};

std::string text_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string version_of(const Json& object) {
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) return "";
  return text_member(*metadata, "resourceVersion");
}

void drop_managed_fields(Json& object) {
  if (!object.is_object()) return;
  const auto metadata = object.find("metadata");
  if (metadata != object.end() && metadata->is_object()) metadata->erase("managedFields");
}

// An ERROR event carries a Status; it means what the same Status as an answer would.
base::Error error_of(const Json& status) {
  http::Response answer;
  const auto code = status.find("code");
  answer.status = code != status.end() && code->is_number_integer() ? code->get<int>() : 500;
  answer.body = status.dump();
  return to_error(answer, "an event of the", "watch", {});
}

bool version_too_large(const base::Error& error) {
  return error.message.find("Too large resource version") != std::string::npos;
}

}  // namespace

std::string_view to_string(WatchState state) {
  switch (state) {
    case WatchState::empty: return "empty";
    case WatchState::init_page: return "init_page";
    case WatchState::init_listed: return "init_listed";
    case WatchState::watching: return "watching";
  }
  return "unknown";
}

Reflector::Reflector(Client& client, WatchSink& sink, ReflectorOptions options)
    : client_(client),
      sink_(sink),
      options_(std::move(options)),
      backoff_(retry_policy, options_.random) {}

base::Error Reflector::run(const base::Context& ctx) {
  while (true) {
    if (auto stepped = step(ctx); !stepped.ok()) return std::move(stepped).error();
  }
}

base::Result<void> Reflector::step(const base::Context& ctx) {
  TRY_OK(ctx.check());
  const bool listing = state_ == WatchState::empty || state_ == WatchState::init_page;
  const auto done = listing ? list(ctx) : watch(ctx);
  if (done.ok()) return {};
  if (done.error().code == base::ErrorCode::cancelled) return done.error();
  ctx.log().warn(listing ? "list failed" : "watch failed", {{"resource", options_.resource.plural},
                                                            {"namespace", options_.ns},
                                                            {"state", to_string(state_)},
                                                            {"error", done.error().text()}});
  fail(done.error());
  return pause(ctx, done.error());
}

void Reflector::report(const base::Context& ctx, std::string_view what,
                       const base::Error& error) const {
  const std::initializer_list<base::Field> fields = {{"resource", options_.resource.plural},
                                                     {"namespace", options_.ns},
                                                     {"state", to_string(state_)},
                                                     {"error", error.text()}};
  // Servers forget old places as a matter of course.
  if (is_expired(error)) {
    ctx.log().info(what, fields);
  } else {
    ctx.log().warn(what, fields);
  }
}

base::Result<void> Reflector::list(const base::Context& ctx) {
  ListOptions options{.label_selector = options_.label_selector,
                      .field_selector = options_.field_selector,
                      .limit = options_.page_size};
  if (state_ == WatchState::init_page) {
    options.continue_token = continue_token_;
  } else {
    if (!most_recent_) options.resource_version = version_.empty() ? "0" : version_;
    // A page of an exact version would be refused once etcd has forgotten it.
    if (!most_recent_ && !version_.empty()) options.resource_version_match = "NotOlderThan";
    sink_.begin();
  }
  TRY(const Json page, client_.list_each(ctx, options_.resource, options_.ns, options,
                                         [this](const Json& item) { sink_.initial(item); }));
  const auto items = page.find("items");
  const auto metadata = page.find("metadata");
  if (items == page.end() || !items->is_array() || metadata == page.end()) {
    return base::unavailable("the answer to a list is no list");
  }
  continue_token_ = text_member(*metadata, "continue");
  if (!continue_token_.empty()) {
    state_ = WatchState::init_page;
    return {};
  }
  version_ = text_member(*metadata, "resourceVersion");
  most_recent_ = false;
  sink_.finish();
  state_ = WatchState::init_listed;
  return {};
}

base::Result<void> Reflector::watch(const base::Context& ctx) {
  const double share = options_.random ? options_.random() : base::random_unit();
  WatchOptions options{.label_selector = options_.label_selector,
                       .field_selector = options_.field_selector,
                       .resource_version = version_};
  options.timeout = std::chrono::duration_cast<seconds>(watch_at_least +
                                                        (watch_at_most - watch_at_least) * share);
  state_ = WatchState::watching;
  events_ = 0;
  const auto begun = ctx.clock().now();
  base::Result<void> taken;
  TRY_OK(client_.watch(ctx, options_.resource, options_.ns, options, [&](std::string_view line) {
    taken = take_line(line);
    return taken.ok();
  }));
  TRY_OK(taken);
  if (events_ == 0 && ctx.clock().now() - begun < too_short) {
    return base::unavailable("the watch ended at once");
  }
  return {};
}

base::Result<void> Reflector::take_line(std::string_view line) {
  Json event = Json::parse(line, nullptr, false);
  if (!event.is_object()) return base::unavailable("an event of the watch is not JSON");
  const auto object = event.find("object");
  if (object == event.end() || !object->is_object()) {
    return base::unavailable("an event of the watch has no object");
  }
  drop_managed_fields(*object);
  return take_event(text_member(event, "type"), *object);
}

base::Result<void> Reflector::take_event(const std::string& type, const Json& object) {
  if (type == "ERROR") return error_of(object);
  ++events_;
  if (type == "ADDED" || type == "MODIFIED") {
    sink_.upsert(object);
  } else if (type == "DELETED") {
    sink_.erase(object);
  }  // BOOKMARK and what servers may add later only move the version
  if (auto version = version_of(object); !version.empty()) version_ = std::move(version);
  return {};
}

// Where the next try begins.
void Reflector::fail(const base::Error& error) {
  const bool listing = state_ == WatchState::empty || state_ == WatchState::init_page;
  if (is_expired(error) || version_too_large(error)) {
    // The place is lost: list again. From the last version first, so that time does not run
    // backwards; if that is what was refused, from whatever is most recent.
    most_recent_ = listing || version_too_large(error);
    state_ = WatchState::empty;
    return;
  }
  if (state_ == WatchState::init_page && error.code != base::ErrorCode::unavailable) {
    state_ = WatchState::empty;
  }
}

base::Result<void> Reflector::pause(const base::Context& ctx, const base::Error& error) {
  const auto now = ctx.clock().now();
  if (last_failure_ != base::Clock::Steady{} && now - last_failure_ >= calm) backoff_.reset();
  last_failure_ = now;
  // An expired place is ordinary: the list that follows needs no wait the first time.
  const auto wait = backoff_.next();
  if (is_expired(error) && backoff_.tries() == 1) return {};
  return ctx.sleep(error.retry_after ? std::max<milliseconds>(*error.retry_after, milliseconds{0})
                                     : wait);
}

}  // namespace lockkeeper::kube
