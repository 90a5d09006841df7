// Verbs of the Kubernetes API on JSON objects. Thread-safe; one client has one token bucket.
//
// An error's code is the caller's next move (house.md), its reason is the API Status reason
// ("NotFound", "AlreadyExists", "Conflict", "Forbidden", "Expired", "Invalid", ...), its message is
// the server's. 429 and 503 with a Retry-After carry it in Error::retry_after, and the client holds
// back every later request of its own for as long. Nothing is sent twice by this class.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dbcore/base/context.h"
#include "dbcore/base/result.h"
#include "operator/http/transport.h"
#include "operator/kube/object.h"

namespace lockkeeper::kube {

class Credentials;
class Metrics;
class RateLimiter;

struct ClientOptions {
  double qps = 50;  // 0: no limit (the lease's own client)
  int burst = 100;
  std::chrono::milliseconds timeout{30'000};  // of one unary call
  std::string field_manager = "lockkeeper";
};

struct ListOptions {
  std::string label_selector{};
  std::string field_selector{};
  std::string resource_version{};        // "0": from the server's cache; "": the most recent
  std::string resource_version_match{};  // "", "NotOlderThan", "Exact"
  std::string continue_token{};
  int limit = 0;  // 0: everything in one page
};

struct WatchOptions {
  std::string label_selector{};
  std::string field_selector{};
  std::string resource_version{};
  std::chrono::seconds timeout{300};  // the server ends the watch after it
  bool bookmarks = true;
};

struct ApplyOptions {
  bool force = true;  // take over fields that another manager owns
};

struct DeleteOptions {
  std::string uid{};               // refuse (conflict) when the object is another one by now
  std::string resource_version{};  // the same for its version
  std::string propagation{};       // "", "Background", "Foreground", "Orphan"
};

class Client {
 public:
  // metrics may be null; it must outlive the client.
  Client(std::shared_ptr<http::Transport> transport, std::shared_ptr<Credentials> credentials,
         ClientOptions options, Metrics* metrics = nullptr);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] base::Result<Json> get(const base::Context& ctx, const Resource& resource,
                                       const ObjectKey& key);
  // One page as the server sends it: {"metadata": {"resourceVersion", "continue"}, "items": []}.
  [[nodiscard]] base::Result<Json> list_page(const base::Context& ctx, const Resource& resource,
                                             std::string_view ns, const ListOptions& options);
  // The same with each item given to the sink as it arrives, without managedFields; the answer has
  // no items. A sink may have had some of them when it fails.
  [[nodiscard]] base::Result<Json> list_each(const base::Context& ctx, const Resource& resource,
                                             std::string_view ns, const ListOptions& options,
                                             const std::function<void(const Json& item)>& sink);
  // Every item, page by page (500), without managedFields.
  [[nodiscard]] base::Result<std::vector<Json>> list(const base::Context& ctx,
                                                     const Resource& resource, std::string_view ns,
                                                     ListOptions options);
  // The answer's lines, one event each, given whole and without their newline, until the sink says
  // false or the server ends the watch (ok). An answer that is not 200 is an error as for the
  // verbs.
  [[nodiscard]] base::Result<void> watch(const base::Context& ctx, const Resource& resource,
                                         std::string_view ns, const WatchOptions& options,
                                         const std::function<bool(std::string_view line)>& sink);

  // POST. AlreadyExists is conflict: after a repeated request it may be our own object.
  [[nodiscard]] base::Result<Json> create(const base::Context& ctx, const Resource& resource,
                                          std::string_view ns, const Json& object);
  // POST to a subresource: serviceaccounts/token, pods/eviction.
  [[nodiscard]] base::Result<Json> create_subresource(const base::Context& ctx,
                                                      const Resource& resource,
                                                      const ObjectKey& key,
                                                      std::string_view subresource,
                                                      const Json& object);
  // PUT: metadata.resourceVersion in the object makes it safe to repeat.
  [[nodiscard]] base::Result<Json> replace(const base::Context& ctx, const Resource& resource,
                                           const ObjectKey& key, const Json& object,
                                           std::string_view subresource = {});
  // RFC 6902. A patch that does not fit (a test failed, a path is absent) is precondition with
  // reason "PatchTestFailed"; the API server does not say which.
  [[nodiscard]] base::Result<Json> json_patch(const base::Context& ctx, const Resource& resource,
                                              const ObjectKey& key, const Json& operations,
                                              std::string_view subresource = {});
  // RFC 7386.
  [[nodiscard]] base::Result<Json> merge_patch(const base::Context& ctx, const Resource& resource,
                                               const ObjectKey& key, const Json& change,
                                               std::string_view subresource = {});
  // Server-side apply under our field manager; the object is created when absent. apiVersion and
  // kind must be in it.
  [[nodiscard]] base::Result<Json> apply(const base::Context& ctx, const Resource& resource,
                                         const ObjectKey& key, const Json& object,
                                         ApplyOptions options = {});
  // The same to /status. With metadata.resourceVersion in it, conflict when it is not current.
  [[nodiscard]] base::Result<Json> apply_status(const base::Context& ctx, const Resource& resource,
                                                const ObjectKey& key, const Json& object,
                                                ApplyOptions options = {});
  // Not an error if absent.
  [[nodiscard]] base::Result<void> remove(const base::Context& ctx, const Resource& resource,
                                          const ObjectKey& key, const DeleteOptions& options = {});

  // GET of a path that is no resource: /version, /readyz.
  [[nodiscard]] base::Result<std::string> get_raw(const base::Context& ctx, std::string_view path);

 private:
  struct Call;
  base::Result<http::Response> perform(const base::Context& ctx, const Call& call);
  base::Result<Json> perform_json(const base::Context& ctx, const Call& call);
  base::Result<http::Request> prepare(const base::Context& ctx, const Call& call);
  base::Result<void> judge(const base::Context& ctx, const Call& call,
                           const base::Result<http::Response>& answer);
  base::Result<Json> patch(const base::Context& ctx, std::string_view content_type,
                           std::string target, const Json& body);
  base::Result<Json> apply_to(const base::Context& ctx, const std::string& path, const Json& object,
                              ApplyOptions options);

  std::shared_ptr<http::Transport> transport_;
  std::shared_ptr<Credentials> credentials_;
  ClientOptions options_;
  Metrics* metrics_;
  std::unique_ptr<RateLimiter> limiter_;
};

// What an API error says, beyond its code.
bool is_not_found(const base::Error& error);  // the object of the call is absent
bool is_already_exists(const base::Error& error);
bool is_forbidden(const base::Error& error);  // RBAC: the namespace was not opened to us
bool is_expired(const base::Error& error);    // 410: list again from the start
bool is_patch_test_failed(const base::Error& error);

// The error of an answer that is not 2xx; verb and path go into the detail.
base::Error to_error(const http::Response& response, std::string_view method, std::string_view path,
                     std::chrono::system_clock::time_point now);

// A client for the cluster of these credentials, with a transport of its own.
base::Result<std::unique_ptr<Client>> make_client(std::shared_ptr<Credentials> credentials,
                                                  ClientOptions options,
                                                  Metrics* metrics = nullptr);

}  // namespace lockkeeper::kube
