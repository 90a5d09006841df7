#include "operator/cli/local_cluster.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace lockkeeper::cli {

using reconcile::Key;
using reconcile::Kind;
using reconcile::Object;

LocalCluster::LocalCluster(std::vector<crds::Migration> migrations,
                           const std::string& default_schema, bool allow_superuser,
                           std::chrono::sys_seconds now) {
  for (crds::Migration& migration : migrations) {
    crds::ObjectMeta& meta = migration.metadata;
    const Key key{meta.ns, meta.name};
    // Seconds apart, so that the queue keeps the file's order.
    meta.creation_timestamp = now + std::chrono::seconds(keys_.size());
    meta.uid = "local/" + key.text();
    meta.resource_version = "1";
    meta.generation = 1;
    meta.finalizers = {std::string(crds::finalizer)};
    // Nobody edits a file's object while it runs: it begins with the mark that freezes it.
    migration.status.started_at = now;
    const Key database_key{meta.ns, migration.spec.database_ref.name};
    crds::Database database;
    database.metadata.ns = database_key.ns;
    database.metadata.name = database_key.name;
    database.metadata.uid = "local-database/" + database_key.text();
    database.spec.default_schema = default_schema;
    database.spec.allow_superuser = allow_superuser;
    databases_.emplace(database_key, std::make_shared<const crds::Database>(std::move(database)));
    keys_.push_back(key);
    migrations_.emplace(key, std::make_shared<const crds::Migration>(std::move(migration)));
  }
}

const crds::Migration& LocalCluster::at(const Key& key) const {
  return *migrations_.at(key);
}

base::Result<void> LocalCluster::carry_out(const Key& key, const reconcile::Outcome& outcome) {
  for (const reconcile::Write& wanted : outcome.writes) TRY_OK(write(wanted));
  if (outcome.status == nullptr) return base::ok();
  crds::Migration changed = *migrations_.at(key);
  TRY(changed.status, crds::read_lenient<crds::MigrationStatus>(*outcome.status, "status"));
  changed.metadata.resource_version = std::to_string(++version_);
  migrations_[key] = std::make_shared<const crds::Migration>(std::move(changed));
  return base::ok();
}

base::Result<void> LocalCluster::write(const reconcile::Write& write) {
  if (write.kind == Kind::migration && write.verb == reconcile::Verb::json_patch) {
    return patch_migration(write);
  }
  if (write.kind == Kind::config_map && write.verb == reconcile::Verb::apply) {
    config_maps_[write.key] = write.body;
    return base::ok();
  }
  if (write.kind == Kind::config_map && write.verb == reconcile::Verb::remove) {
    config_maps_.erase(write.key);
    return base::ok();
  }
  return base::internal(
      fmt::format("without a cluster there is nothing to write: {}", write.about));
}

base::Result<void> LocalCluster::patch_migration(const reconcile::Write& write) {
  const auto found = migrations_.find(write.key);
  if (found == migrations_.end()) return base::internal("a patch of no Migration");
  crds::Json changed;
  try {
    changed = crds::encode(*found->second).patch(*write.body);
  } catch (const nlohmann::json::exception& error) {
    return base::internal(fmt::format("a patch that does not apply: {}", error.what()));
  }
  TRY(crds::Migration migration, crds::decode_migration(changed));
  migration.metadata.resource_version = std::to_string(++version_);
  found->second = std::make_shared<const crds::Migration>(std::move(migration));
  return base::ok();
}

base::Result<Object> LocalCluster::get(const base::Context&, Kind kind, const Key& key) {
  if (kind != Kind::config_map) return Object();
  const auto found = config_maps_.find(key);
  return found == config_maps_.end() ? Object() : found->second;
}

base::Result<std::vector<Object>> LocalCluster::list(const base::Context&, Kind, const std::string&,
                                                     const std::string&) {
  return std::vector<Object>();
}

Object LocalCluster::cached(Kind kind, const Key& key) {
  const auto found = migrations_.find(key);
  if (kind != Kind::migration || found == migrations_.end()) return nullptr;
  return std::make_shared<const reconcile::Json>(crds::encode(*found->second));
}

base::Result<std::shared_ptr<const crds::Migration>> LocalCluster::migration(const Key& key) {
  const auto found = migrations_.find(key);
  return found == migrations_.end() ? nullptr : found->second;
}

base::Result<std::shared_ptr<const crds::Database>> LocalCluster::database(const Key& key) {
  const auto found = databases_.find(key);
  return found == databases_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const crds::Migration>> LocalCluster::migrations(
    const std::string& ns) {
  std::vector<std::shared_ptr<const crds::Migration>> found;
  for (const auto& [key, migration] : migrations_) {
    if (key.ns == ns) found.push_back(migration);
  }
  return found;
}

base::Result<reconcile::HttpProbeAnswer> NoProbe::get(const base::Context&,
                                                      const reconcile::HttpProbeRequest&) {
  return base::precondition("checks are made in a cluster only");
}

}  // namespace lockkeeper::cli
