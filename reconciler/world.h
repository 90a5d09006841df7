// All that a reconciler may see of the world, and the little it may touch while it decides. A
// cluster is behind it, or the CLI's single process.
//
// Everything referred to is thread-safe and outlives the reconcilers; a World itself is a cheap
// value, made anew for each reconcile with its own context.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dbcore/base/context.h"
#include "reconciler/outcome.h"
#include "reconciler/pools.h"
#include "reconciler/rollout.h"
#include "reconciler/runner.h"

namespace lockkeeper::crds {
struct Database;
struct Migration;
}  // namespace lockkeeper::crds

namespace lockkeeper::reconcile {

// Reads. 403 is precondition with reason NamespaceNotOpened; our own kinds come from the cache.
class Cluster {
 public:
  virtual ~Cluster() = default;

  // The most recent state, by GET. Null: not there.
  virtual base::Result<Object> get(const base::Context& ctx, Kind kind, const Key& key) = 0;
  // By LIST; label_selector as "a=b,c=d".
  virtual base::Result<std::vector<Object>> list(const base::Context& ctx, Kind kind,
                                                 const std::string& ns,
                                                 const std::string& label_selector) = 0;

  // The object as the cache has it, undecoded (for one that cannot be decoded). Null: not there.
  virtual Object cached(Kind kind, const Key& key) = 0;
  // Null: not there. invalid: it does not decode.
  virtual base::Result<std::shared_ptr<const crds::Migration>> migration(const Key& key) = 0;
  virtual base::Result<std::shared_ptr<const crds::Database>> database(const Key& key) = 0;
  // Those of a namespace that decode.
  virtual std::vector<std::shared_ptr<const crds::Migration>> migrations(const std::string& ns) = 0;
};

struct HttpProbeRequest {
  std::string url;  // http or https; checked to be a URL, not to be reachable
  std::map<std::string, std::string> headers;
  std::string ca_pem;  // empty: the system's
  std::chrono::milliseconds timeout{5'000};
};
struct HttpProbeAnswer {
  int status = 0;
  std::string body;  // cut at 1 MiB
};

// GET only, never follows a redirect. The one who connects refuses addresses that are link-local,
// loopback of the node's own API or the API server's, after the name was resolved, unless the host
// was allowed (--allow-check-host): precondition with reason CheckHostRefused.
class HttpProbe {
 public:
  virtual ~HttpProbe() = default;
  virtual base::Result<HttpProbeAnswer> get(const base::Context& ctx,
                                            const HttpProbeRequest& request) = 0;
};

struct World {
  base::Context ctx;  // of this reconcile: bounded to seconds, or a minute with a slow server
  Cluster& cluster;
  Pools& pools;
  Runner& runner;
  HttpProbe& http;
  // Private to this process (0700): CA files that libpq must read.
  std::filesystem::path runtime_dir;
  // What talks to the database; tests give fakes.
  RolloutFactory rollout = engine_rollout;
  ServerProbe probe_server = inspect_server;
  LedgerInstall install_ledger = reconcile::install_ledger;

  [[nodiscard]] base::Clock::Wall now() const { return ctx.clock().wall(); }
};

}  // namespace lockkeeper::reconcile
