// What reconcilers read of the cluster: our own kinds from the informers' stores, everything else
// by GET and LIST. Thread-safe.
//
// A status that this process wrote is remembered until the store has caught up, so that a reconcile
// never decides on an object older than its own last write.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "crds/database.h"
#include "crds/migration.h"
#include "dbcore/base/mutex.h"
#include "operator/kube/client.h"
#include "operator/kube/store.h"
#include "reconciler/world.h"

namespace lockkeeper::app {

kube::Resource resource_of(reconcile::Kind kind);
kube::ObjectKey object_key(const reconcile::Key& key);
reconcile::Key reconcile_key(const kube::ObjectKey& key);

// 403 becomes precondition NamespaceNotOpened with the command that opens the namespace.
base::Error explain_forbidden(base::Error error, const std::string& ns);

// An object of ours as the cache keeps it: decoded, or why not with what it looks like.
template <typename T>
struct Cached {
  std::string resource_version;
  std::string uid;
  std::shared_ptr<const T> object;  // null when it does not decode
  std::shared_ptr<const base::Error> error;
  reconcile::Object raw;  // only when it does not decode
};

base::Result<Cached<crds::Migration>> decode_migration(const kube::Json& object);
base::Result<Cached<crds::Database>> decode_database(const kube::Json& object);

using MigrationStore = kube::Store<Cached<crds::Migration>>;
using DatabaseStore = kube::Store<Cached<crds::Database>>;

class ClusterView final : public reconcile::Cluster {
 public:
  // All must outlive it.
  ClusterView(kube::Client& client, const MigrationStore& migrations,
              const DatabaseStore& databases);

  base::Result<reconcile::Object> get(const base::Context& ctx, reconcile::Kind kind,
                                      const reconcile::Key& key) override;
  base::Result<std::vector<reconcile::Object>> list(const base::Context& ctx, reconcile::Kind kind,
                                                    const std::string& ns,
                                                    const std::string& label_selector) override;
  reconcile::Object cached(reconcile::Kind kind, const reconcile::Key& key) override;
  base::Result<std::shared_ptr<const crds::Migration>> migration(
      const reconcile::Key& key) override;
  base::Result<std::shared_ptr<const crds::Database>> database(const reconcile::Key& key) override;
  std::vector<std::shared_ptr<const crds::Migration>> migrations(const std::string& ns) override;

  // The API server's answer to a write of ours on an object of our own kinds.
  void remember(reconcile::Kind kind, const reconcile::Key& key, const kube::Json& object);

 private:
  base::Mutex mutex_;
  template <typename T>
  using Overlay = std::map<reconcile::Key, Cached<T>>;
  template <typename T>
  std::optional<Cached<T>> look_up(const kube::Store<Cached<T>>& store, Overlay<T>& overlay,
                                   const reconcile::Key& key) LK_REQUIRES(mutex_);

  kube::Client& client_;
  const MigrationStore& migrations_;
  const DatabaseStore& databases_;
  Overlay<crds::Migration> written_migrations_ LK_GUARDED_BY(mutex_);
  Overlay<crds::Database> written_databases_ LK_GUARDED_BY(mutex_);
};

}  // namespace lockkeeper::app
