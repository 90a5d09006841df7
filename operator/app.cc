#include "operator/app.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "dbcore/base/version.h"
#include "operator/gate_answers.h"
#include "operator/http_probe.h"
#include "operator/kube/credentials.h"
#include "operator/kube/leader.h"
#include "operator/product_metrics.h"
#include "operator/server/endpoints.h"
#include "operator/server/server.h"
#include "operator/signals.h"
#include "operator/work.h"

namespace lockkeeper::app {
namespace {

using base::Context;
using base::Result;

Result<std::filesystem::path> make_runtime_dir() {
  const char* base = std::getenv("XDG_RUNTIME_DIR");
  std::error_code none;
  std::filesystem::path parent = base != nullptr ? base : "";
  if (parent.empty() || !std::filesystem::is_directory(parent, none)) {
    parent = std::filesystem::temp_directory_path(none);
  }
  std::string pattern = (parent / "lockkeeper-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    return base::precondition("no private directory can be made in " + parent.string())
        .with_hint("mount a writable directory there, or set TMPDIR");
  }
  return std::filesystem::path(pattern);
}

// Clients of the API server, each with its own connections: what streams or must not wait for
// others stands apart.
struct Clients {
  std::unique_ptr<kube::Client> calls;
  std::unique_ptr<kube::Client> watches;
  std::unique_ptr<kube::Client> lease;
};

Result<Clients> make_clients(const std::shared_ptr<kube::Credentials>& credentials,
                             kube::Metrics& metrics) {
  Clients clients;
  TRY(clients.calls, kube::make_client(credentials, {}, &metrics));
  TRY(clients.watches, kube::make_client(credentials, {}, &metrics));
  kube::ClientOptions unlimited;
  unlimited.qps = 0;
  unlimited.timeout = std::chrono::seconds(5);
  TRY(clients.lease, kube::make_client(credentials, unlimited, &metrics));
  return clients;
}

class Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(const Context& ctx, std::stop_source root,
                                                const OperatorOptions& options) {
    TRY(auto credentials,
        kube::find_credentials({.path = options.kubeconfig, .context = options.context}));
    auto metrics = std::make_unique<kube::Metrics>();
    TRY(auto clients, make_clients(credentials, *metrics));
    TRY(auto runtime_dir, make_runtime_dir());
    auto made = std::unique_ptr<Operator>(new Operator(ctx, std::move(root), options, credentials,
                                                       std::move(metrics), std::move(clients),
                                                       std::move(runtime_dir)));
    TRY_OK(made->serve());
    return made;
  }

  ~Operator() {
    std::error_code ignored;
    std::filesystem::remove_all(runtime_dir_, ignored);
  }
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  // Until the root is stopped; then in reverse: work, events, lease, servers.
  Result<void> run() {
    std::jthread migrations([this] { migrations_.run(ctx_); });
    std::jthread databases([this] { databases_.run(ctx_); });
    std::stop_source events_stop;
    std::jthread events(
        [this, token = events_stop.get_token()] { events_.run(ctx_.with_stop(token)); });
    auto result = options_.leader_elect ? lead() : work_alone();
    root_.request_stop();
    stop_work();
    events_stop.request_stop();
    return result;
  }

 private:
  Operator(const Context& ctx, std::stop_source root, const OperatorOptions& options,
           std::shared_ptr<kube::Credentials> credentials, std::unique_ptr<kube::Metrics> metrics,
           Clients clients, std::filesystem::path runtime_dir)
      : ctx_(ctx),
        root_(std::move(root)),
        options_(options),
        credentials_(std::move(credentials)),
        metrics_(std::move(metrics)),
        clients_(std::move(clients)),
        runtime_dir_(std::move(runtime_dir)),
        migrations_(
            *clients_.watches,
            {.resource = resource_of(reconcile::Kind::migration), .namespaces = options.namespaces},
            decode_migration),
        databases_(
            *clients_.watches,
            {.resource = resource_of(reconcile::Kind::database), .namespaces = options.namespaces},
            decode_database),
        view_(*clients_.calls, migrations_.store(), databases_.store()),
        identity_(kube::make_identity()),
        events_(*clients_.calls, {.instance = identity_}, ctx_.clock(), metrics_.get()),
        probe_(credentials_->server(), options.allow_check_hosts),
        leader_(*clients_.lease, {.ns = options.leader_election_namespace, .identity = identity_},
                metrics_.get()),
        work_(ctx_, Foundation{.client = *clients_.calls,
                               .migrations = migrations_,
                               .databases = databases_,
                               .view = view_,
                               .events = events_,
                               .metrics = *metrics_,
                               .pools = pools_,
                               .probe = probe_,
                               .runtime_dir = runtime_dir_,
                               .workers = options.workers}) {}

  Result<void> serve() {
    server::Routes health;
    server::add_health(
        health, [this] { return alive(); }, [this] { return ready(); });
    TRY_OK(listen(options_.health_probe_bind_address, false, std::move(health)));
    server::Routes metrics;
    const auto authorize =
        options_.insecure_metrics ? server::Authorize() : server::token_review(*clients_.calls);
    metrics_->add_collector([this] { return pool_metrics(pools_.views()); });
    metrics_->add_collector(
        [this] { return object_metrics(migrations_.store(), databases_.store()); });
    server::add_metrics(
        metrics, [this] { return metrics_->text(); }, authorize);
    server::add_slow(
        metrics, [this] { return slow_statements(pools_.views()); }, authorize);
    TRY_OK(listen(options_.metrics_bind_address, !options_.insecure_metrics, std::move(metrics)));
    server::Routes gates;
    server::add_gates(
        gates, [this](std::string_view ns, std::string_view migration, std::string_view condition) {
          return answer_gate(migrations_, ns, migration, condition);
        });
    return listen(options_.gates_bind_address, true, std::move(gates));
  }

  Result<void> listen(const std::string& bind, bool tls, server::Routes routes) {
    if (bind == "0") return {};
    server::Options options;
    options.bind = bind;
    options.tls = tls;
    options.certificate = {.certificate_file = options_.certificate_file,
                           .key_file = options_.key_file};
    TRY(auto server,
        server::Server::start(Context({}, ctx_.clock(), ctx_.log()), options, std::move(routes)));
    servers_.push_back(std::move(server));
    return {};
  }

  Result<void> alive() {
    if (leader_.healthy(ctx_.clock())) return {};
    return base::unavailable("this process leads but has not renewed its lease");
  }

  Result<void> ready() {
    if (migrations_.synced() && databases_.synced()) return {};
    return base::unavailable("the first list of our objects has not arrived");
  }

  // When the root stops, the work ends first, and only then is the lease given up; when the lease
  // is lost, the root stops.
  Result<void> lead() {
    if (const auto synced = wait_synced(); !synced.ok()) return {};
    std::stop_source lease_stop;
    const std::jthread closer([this, &lease_stop] {
      wait_for_stop();
      stop_work();
      lease_stop.request_stop();
    });
    auto result = leader_.run(ctx_.with_stop(lease_stop.get_token()), [this] {
      ctx_.log().info("leading", {{"identity", identity_}});
      start_work();
    });
    root_.request_stop();
    return result;
  }

  Result<void> work_alone() {
    if (const auto synced = wait_synced(); !synced.ok()) return {};
    start_work();
    wait_for_stop();
    return {};
  }

  Result<void> wait_synced() {
    TRY_OK(migrations_.wait_synced(ctx_));
    TRY_OK(databases_.wait_synced(ctx_));
    malloc_trim(0);  // what the first lists took on their way
    return {};
  }

  void wait_for_stop() {
    while (ctx_.clock().sleep(std::chrono::hours(1), ctx_.stop())) {
    }
  }

  void start_work() {
    const base::Lock lock(work_mutex_);
    if (!ctx_.stop().stop_requested()) work_.start();
  }

  void stop_work() {
    const base::Lock lock(work_mutex_);
    work_.stop();
  }

  const Context ctx_;
  std::stop_source root_;
  const OperatorOptions options_;
  const std::shared_ptr<kube::Credentials> credentials_;
  const std::unique_ptr<kube::Metrics> metrics_;
  const Clients clients_;
  const std::filesystem::path runtime_dir_;
  MigrationInformer migrations_;
  DatabaseInformer databases_;
  ClusterView view_;
  const std::string identity_;
  kube::EventRecorder events_;
  CheckProbe probe_;
  kube::LeaderElection leader_;
  reconcile::Pools pools_;
  Work work_;
  base::Mutex work_mutex_;  // a start must not meet a stop
  std::vector<std::unique_ptr<server::Server>> servers_;
};

}  // namespace

int run_operator(const OperatorOptions& options) {
  // Two dozen threads that mostly wait: an arena for each would keep what it once needed.
  mallopt(M_ARENA_MAX, 2);
  base::configure_log(options.log_level, options.log_format);
  std::stop_source root;
  const Signals signals(root);
  const Context ctx(root.get_token(), base::Clock::real(), base::Logger());
  ctx.log().info("starting", {{"version", base::version()}});
  auto made = Operator::make(ctx, root, options);
  if (!made.ok()) {
    ctx.log().error("cannot start", {{"error", made.error().text()}});
    return made.error().code == base::ErrorCode::invalid ? 2 : 1;
  }
  const auto result = (*made)->run();
  if (!result.ok()) {
    ctx.log().error("stopped", {{"error", result.error().text()}});
    return 1;
  }
  ctx.log().info("stopped");
  return 0;
}

}  // namespace lockkeeper::app
