// A cluster of one process: the Migrations of a file and the Database of --database-url, so that
// the operator's own reconciler runs them. Not thread-safe but for reading what does not change.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "crds/database.h"
#include "crds/migration.h"
#include "reconciler/world.h"

namespace lockkeeper::cli {

class LocalCluster final : public reconcile::Cluster {
 public:
  // Each Migration gets a uid, a finalizer and a first version; each Database that they refer to
  // becomes one with this schema as its default.
  LocalCluster(std::vector<crds::Migration> migrations, const std::string& default_schema,
               bool allow_superuser, std::chrono::sys_seconds now);

  [[nodiscard]] const std::vector<reconcile::Key>& keys() const { return keys_; }
  [[nodiscard]] const crds::Migration& at(const reconcile::Key& key) const;
  [[nodiscard]] const std::map<reconcile::Key, std::shared_ptr<const crds::Database>>& databases()
      const {
    return databases_;
  }
  // What the API server would do with it.
  base::Result<void> carry_out(const reconcile::Key& key, const reconcile::Outcome& outcome);

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

 private:
  base::Result<void> write(const reconcile::Write& write);
  base::Result<void> patch_migration(const reconcile::Write& write);

  std::vector<reconcile::Key> keys_;
  std::map<reconcile::Key, std::shared_ptr<const crds::Migration>> migrations_;
  std::map<reconcile::Key, std::shared_ptr<const crds::Database>> databases_;
  std::map<reconcile::Key, reconcile::Object> config_maps_;
  int version_ = 1;
};

// No checks are made without a cluster.
class NoProbe final : public reconcile::HttpProbe {
 public:
  base::Result<reconcile::HttpProbeAnswer> get(const base::Context& ctx,
                                               const reconcile::HttpProbeRequest& request) override;
};

}  // namespace lockkeeper::cli
