#include "operator/kube/client.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "operator/kube/credentials.h"
#include "operator/kube/line_framer.h"
#include "operator/kube/list_splitter.h"
#include "operator/kube/metrics.h"
#include "operator/kube/rate_limiter.h"

namespace lockkeeper::kube {
namespace {

constexpr std::string_view json_type = "application/json";
constexpr std::string_view json_patch_type = "application/json-patch+json";
constexpr std::string_view merge_patch_type = "application/merge-patch+json";
constexpr std::string_view apply_type = "application/apply-patch+yaml";
constexpr int page_size = 500;
// How long after the end that we asked the server for a silent watch is given up.
constexpr std::chrono::seconds watch_patience{10};

class Query {
 public:
  Query& add(std::string_view name, std::string_view value) {
    if (value.empty()) return *this;
    text_ += text_.empty() ? '?' : '&';
    text_.append(name).append("=").append(http::encode_component(value));
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string list_query(const ListOptions& options) {
  Query query;
  query.add("labelSelector", options.label_selector).add("fieldSelector", options.field_selector);
  query.add("limit", options.limit > 0 ? std::to_string(options.limit) : "");
  query.add("continue", options.continue_token);
  query.add("resourceVersion", options.resource_version);
  query.add("resourceVersionMatch", options.resource_version_match);
  return query.text();
}

std::string watch_query(const WatchOptions& options) {
  Query query;
  query.add("watch", "true");
  query.add("labelSelector", options.label_selector).add("fieldSelector", options.field_selector);
  query.add("resourceVersion", options.resource_version);
  query.add("timeoutSeconds", std::to_string(options.timeout.count()));
  query.add("allowWatchBookmarks", options.bookmarks ? "true" : "");
  return query.text();
}

base::Result<Json> parse(const std::string& body, const std::string& where) {
  Json parsed = Json::parse(body, nullptr, false);
  if (parsed.is_discarded()) return base::unavailable("the answer to " + where + " is not JSON");
  return parsed;
}

void drop_managed_fields(Json& object) {
  if (!object.is_object()) return;
  const auto metadata = object.find("metadata");
  if (metadata != object.end() && metadata->is_object()) metadata->erase("managedFields");
}

std::string text_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

struct Client::Call {
  std::string method = "GET";
  std::string target{};
  std::string body{};
  std::string_view content_type = json_type;
};

Client::Client(std::shared_ptr<http::Transport> transport, std::shared_ptr<Credentials> credentials,
               ClientOptions options, Metrics* metrics)
    : transport_(std::move(transport)),
      credentials_(std::move(credentials)),
      options_(std::move(options)),
      metrics_(metrics),
      limiter_(std::make_unique<RateLimiter>(options_.qps, options_.burst)) {}

Client::~Client() = default;

base::Result<http::Request> Client::prepare(const base::Context& ctx, const Call& call) {
  TRY(const auto waited, limiter_->wait(ctx));
  if (metrics_ != nullptr) metrics_->rate_limited(call.method, waited);
  http::Request request;
  request.method = call.method;
  request.target = call.target;
  request.body = call.body;
  request.timeout = options_.timeout;
  request.headers.emplace_back("Accept", "application/json");
  if (!call.body.empty()) request.headers.emplace_back("Content-Type", call.content_type);
  if (!credentials_) return request;
  TRY(auto authorization, credentials_->authorization(ctx));
  if (authorization) request.headers.emplace_back("Authorization", std::move(*authorization));
  return request;
}

base::Result<void> Client::judge(const base::Context& ctx, const Call& call,
                                 const base::Result<http::Response>& answer) {
  if (metrics_ != nullptr) {
    const std::string code = answer.ok() ? std::to_string(answer->status) : "<error>";
    metrics_->request(call.method, credentials_ ? credentials_->server() : "", code);
  }
  if (!answer.ok()) return answer.error();
  if (answer->ok()) return {};
  if (answer->status == 401 && credentials_) credentials_->reject();
  const std::string path = call.target.substr(0, call.target.find('?'));
  base::Error error = to_error(*answer, call.method, path, ctx.clock().wall());
  if (error.retry_after) limiter_->pause(ctx.clock(), *error.retry_after);
  return error;
}

base::Result<http::Response> Client::perform(const base::Context& ctx, const Call& call) {
  TRY(const auto request, prepare(ctx, call));
  auto answer = transport_->send(ctx, request);
  TRY_OK(judge(ctx, call, answer));
  return answer;
}

base::Result<Json> Client::perform_json(const base::Context& ctx, const Call& call) {
  TRY(const auto answer, perform(ctx, call));
  return parse(answer.body, call.method + " " + call.target);
}

base::Result<Json> Client::get(const base::Context& ctx, const Resource& resource,
                               const ObjectKey& key) {
  return perform_json(ctx, {.target = resource.path(key.ns, key.name)});
}

base::Result<Json> Client::list_page(const base::Context& ctx, const Resource& resource,
                                     std::string_view ns, const ListOptions& options) {
  return perform_json(ctx, {.target = resource.path(ns) + list_query(options)});
}

base::Result<Json> Client::list_each(const base::Context& ctx, const Resource& resource,
                                     std::string_view ns, const ListOptions& options,
                                     const std::function<void(const Json& item)>& sink) {
  const Call call{.target = resource.path(ns) + list_query(options)};
  TRY(const auto request, prepare(ctx, call));
  ListSplitter splitter;
  bool sound = true;
  const auto answer = transport_->stream(ctx, request, [&](std::string_view chunk) {
    return splitter.take(chunk, [&](std::string_view text) {
      Json item = Json::parse(text, nullptr, false);
      sound = item.is_object();
      if (!sound) return false;
      drop_managed_fields(item);
      sink(item);
      return true;
    });
  });
  TRY_OK(judge(ctx, call, answer));
  if (!sound) return base::unavailable("an item of the list is not JSON");
  return parse(splitter.frame(), call.method + " " + call.target);
}

base::Result<std::vector<Json>> Client::list(const base::Context& ctx, const Resource& resource,
                                             std::string_view ns, ListOptions options) {
  if (options.limit == 0) options.limit = page_size;
  std::vector<Json> items;
  do {
    TRY(Json page, list_page(ctx, resource, ns, options));
    const auto found = page.find("items");
    if (found != page.end() && found->is_array()) {
      for (Json& item : *found) {
        drop_managed_fields(item);
        items.push_back(std::move(item));
      }
    }
    const auto metadata = page.find("metadata");
    options.continue_token =
        metadata == page.end() || !metadata->is_object() ? "" : text_member(*metadata, "continue");
    options.resource_version.clear();  // the token stands for it
    options.resource_version_match.clear();
  } while (!options.continue_token.empty());
  return items;
}

base::Result<void> Client::watch(const base::Context& ctx, const Resource& resource,
                                 std::string_view ns, const WatchOptions& options,
                                 const std::function<bool(std::string_view line)>& sink) {
  const Call call{.target = resource.path(ns) + watch_query(options)};
  TRY(auto request, prepare(ctx, call));
  request.timeout = options.timeout + watch_patience;
  request.idle_timeout = request.timeout;
  LineFramer framer;
  const auto answer = transport_->stream(
      ctx, request, [&](std::string_view chunk) { return framer.take(chunk, sink); });
  return judge(ctx, call, answer);
}

base::Result<Json> Client::create(const base::Context& ctx, const Resource& resource,
                                  std::string_view ns, const Json& object) {
  Query query;
  query.add("fieldManager", options_.field_manager);
  return perform_json(
      ctx, {.method = "POST", .target = resource.path(ns) + query.text(), .body = object.dump()});
}

base::Result<Json> Client::create_subresource(const base::Context& ctx, const Resource& resource,
                                              const ObjectKey& key, std::string_view subresource,
                                              const Json& object) {
  return perform_json(ctx, {.method = "POST",
                            .target = resource.path(key.ns, key.name, subresource),
                            .body = object.dump()});
}

base::Result<Json> Client::replace(const base::Context& ctx, const Resource& resource,
                                   const ObjectKey& key, const Json& object,
                                   std::string_view subresource) {
  Query query;
  query.add("fieldManager", options_.field_manager);
  return perform_json(ctx, {.method = "PUT",
                            .target = resource.path(key.ns, key.name, subresource) + query.text(),
                            .body = object.dump()});
}

base::Result<Json> Client::patch(const base::Context& ctx, std::string_view content_type,
                                 std::string target, const Json& body) {
  return perform_json(ctx, {.method = "PATCH",
                            .target = std::move(target),
                            .body = body.dump(),
                            .content_type = content_type});
}

base::Result<Json> Client::json_patch(const base::Context& ctx, const Resource& resource,
                                      const ObjectKey& key, const Json& operations,
                                      std::string_view subresource) {
  Query query;
  query.add("fieldManager", options_.field_manager);
  return patch(ctx, json_patch_type, resource.path(key.ns, key.name, subresource) + query.text(),
               operations);
}

base::Result<Json> Client::merge_patch(const base::Context& ctx, const Resource& resource,
                                       const ObjectKey& key, const Json& change,
                                       std::string_view subresource) {
  Query query;
  query.add("fieldManager", options_.field_manager);
  return patch(ctx, merge_patch_type, resource.path(key.ns, key.name, subresource) + query.text(),
               change);
}

base::Result<Json> Client::apply_to(const base::Context& ctx, const std::string& path,
                                    const Json& object, ApplyOptions options) {
  Query query;
  query.add("fieldManager", options_.field_manager);
  query.add("force", options.force ? "true" : "false");
  return patch(ctx, apply_type, path + query.text(), object);
}

base::Result<Json> Client::apply(const base::Context& ctx, const Resource& resource,
                                 const ObjectKey& key, const Json& object, ApplyOptions options) {
  return apply_to(ctx, resource.path(key.ns, key.name), object, options);
}

base::Result<Json> Client::apply_status(const base::Context& ctx, const Resource& resource,
                                        const ObjectKey& key, const Json& object,
                                        ApplyOptions options) {
  return apply_to(ctx, resource.path(key.ns, key.name, "status"), object, options);
}

base::Result<void> Client::remove(const base::Context& ctx, const Resource& resource,
                                  const ObjectKey& key, const DeleteOptions& options) {
  Json body = {{"kind", "DeleteOptions"}, {"apiVersion", "v1"}};
  if (!options.propagation.empty()) body["propagationPolicy"] = options.propagation;
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) {
    body["preconditions"]["resourceVersion"] = options.resource_version;
  }
  const auto answer = perform(
      ctx, {.method = "DELETE", .target = resource.path(key.ns, key.name), .body = body.dump()});
  if (answer.ok() || is_not_found(answer.error())) return {};
  return answer.error();
}

base::Result<std::string> Client::get_raw(const base::Context& ctx, std::string_view path) {
  TRY(auto answer, perform(ctx, {.target = std::string(path)}));
  return std::move(answer.body);
}

base::Result<std::unique_ptr<Client>> make_client(std::shared_ptr<Credentials> credentials,
                                                  ClientOptions options, Metrics* metrics) {
  TRY(auto transport, http::make_transport({credentials->server(), credentials->tls()}));
  return std::make_unique<Client>(std::move(transport), std::move(credentials), std::move(options),
                                  metrics);
}

}  // namespace lockkeeper::kube
