#include "operator/cluster_view.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

namespace lockkeeper::app {
namespace {

constexpr std::string_view own_annotations = "lockkeeper.dev/";

// Resource versions of one resource can be compared as numbers; anything else counts as newest.
std::uint64_t version_number(const std::string& version) {
  std::uint64_t number = 0;
  const auto [end, error] =
      std::from_chars(version.data(), version.data() + version.size(), number);
  if (error != std::errc{} || end != version.data() + version.size()) return UINT64_MAX;
  return number;
}

template <typename T>
base::Result<Cached<T>> to_cached(const kube::Json& object, base::Result<T> decoded) {
  TRY(const kube::ObjectMeta meta, kube::read_meta(object));
  Cached<T> cached;
  cached.resource_version = meta.resource_version;
  cached.uid = meta.uid;
  if (decoded.ok()) {
    cached.object = std::make_shared<const T>(std::move(decoded).value());
  } else {
    cached.error = std::make_shared<const base::Error>(std::move(decoded).error());
    cached.raw = std::make_shared<const kube::Json>(object);
  }
  return cached;
}

// What others note on an object (kubectl keeps a whole copy of it there) is not read by anybody
// here.
template <typename T>
base::Result<T> without_foreign_annotations(base::Result<T> decoded) {
  if (!decoded.ok()) return decoded;
  T object = std::move(decoded).value();
  std::erase_if(object.metadata.annotations, [](const auto& annotation) {
    return !annotation.first.starts_with(own_annotations);
  });
  return object;
}

template <typename T>
base::Result<std::shared_ptr<const T>> object_or_error(const std::optional<Cached<T>>& cached) {
  if (!cached) return std::shared_ptr<const T>();
  if (cached->error) return *cached->error;
  return cached->object;
}

}  // namespace

kube::Resource resource_of(reconcile::Kind kind) {
  const reconcile::KindName& name = reconcile::name_of(kind);
  return {.group = std::string(name.group),
          .version = std::string(name.version),
          .plural = std::string(name.plural)};
}

kube::ObjectKey object_key(const reconcile::Key& key) {
  return {.ns = key.ns, .name = key.name};
}

reconcile::Key reconcile_key(const kube::ObjectKey& key) {
  return {.ns = key.ns, .name = key.name};
}

base::Error explain_forbidden(base::Error error, const std::string& ns) {
  if (!kube::is_forbidden(error)) return error;
  error.code = base::ErrorCode::precondition;
  error.reason = "NamespaceNotOpened";
  error.message = "namespace " + ns + " is not opened to the operator: " + error.message;
  error.hint = "kubectl -n " + ns +
               " create rolebinding lockkeeper --clusterrole=lockkeeper-namespace "
               "--serviceaccount=lockkeeper-system:lockkeeper";
  return error;
}

base::Result<Cached<crds::Migration>> decode_migration(const kube::Json& object) {
  return to_cached(object, without_foreign_annotations(crds::decode_migration(object)));
}

base::Result<Cached<crds::Database>> decode_database(const kube::Json& object) {
  return to_cached(object, without_foreign_annotations(crds::decode_database(object)));
}

ClusterView::ClusterView(kube::Client& client, const MigrationStore& migrations,
                         const DatabaseStore& databases)
    : client_(client), migrations_(migrations), databases_(databases) {}

base::Result<reconcile::Object> ClusterView::get(const base::Context& ctx, reconcile::Kind kind,
                                                 const reconcile::Key& key) {
  auto got = client_.get(ctx, resource_of(kind), object_key(key));
  if (got.ok()) return std::make_shared<const kube::Json>(std::move(got).value());
  if (kube::is_not_found(got.error())) return reconcile::Object();
  return explain_forbidden(std::move(got).error(), key.ns);
}

base::Result<std::vector<reconcile::Object>> ClusterView::list(const base::Context& ctx,
                                                               reconcile::Kind kind,
                                                               const std::string& ns,
                                                               const std::string& label_selector) {
  kube::ListOptions options;
  options.label_selector = label_selector;
  auto listed = client_.list(ctx, resource_of(kind), ns, std::move(options));
  if (!listed.ok()) return explain_forbidden(std::move(listed).error(), ns);
  std::vector<reconcile::Object> objects;
  objects.reserve(listed->size());
  for (auto& item : *listed) objects.push_back(std::make_shared<const kube::Json>(std::move(item)));
  return objects;
}

template <typename T>
std::optional<Cached<T>> ClusterView::look_up(const kube::Store<Cached<T>>& store,
                                              Overlay<T>& overlay, const reconcile::Key& key) {
  const auto stored = store.get(object_key(key));
  const auto written = overlay.find(key);
  if (!stored) {
    if (written != overlay.end()) overlay.erase(written);
    return std::nullopt;
  }
  if (written == overlay.end()) return *stored;
  const bool caught_up =
      written->second.uid != stored->uid ||
      version_number(stored->resource_version) >= version_number(written->second.resource_version);
  if (!caught_up) return written->second;
  overlay.erase(written);
  return *stored;
}

reconcile::Object ClusterView::cached(reconcile::Kind kind, const reconcile::Key& key) {
  if (kind == reconcile::Kind::migration) {
    const base::Lock lock(mutex_);
    const auto found = look_up(migrations_, written_migrations_, key);
    return found ? found->raw : nullptr;
  }
  if (kind == reconcile::Kind::database) {
    const base::Lock lock(mutex_);
    const auto found = look_up(databases_, written_databases_, key);
    return found ? found->raw : nullptr;
  }
  return nullptr;
}

base::Result<std::shared_ptr<const crds::Migration>> ClusterView::migration(
    const reconcile::Key& key) {
  const base::Lock lock(mutex_);
  return object_or_error(look_up(migrations_, written_migrations_, key));
}

base::Result<std::shared_ptr<const crds::Database>> ClusterView::database(
    const reconcile::Key& key) {
  const base::Lock lock(mutex_);
  return object_or_error(look_up(databases_, written_databases_, key));
}

std::vector<std::shared_ptr<const crds::Migration>> ClusterView::migrations(const std::string& ns) {
  std::vector<std::shared_ptr<const crds::Migration>> objects;
  for (const auto& cached : migrations_.list(ns)) {
    if (cached->object) objects.push_back(cached->object);
  }
  return objects;
}

void ClusterView::remember(reconcile::Kind kind, const reconcile::Key& key,
                           const kube::Json& object) {
  if (kind == reconcile::Kind::migration) {
    auto decoded = decode_migration(object);
    if (!decoded.ok()) return;
    const base::Lock lock(mutex_);
    written_migrations_.insert_or_assign(key, std::move(decoded).value());
  } else if (kind == reconcile::Kind::database) {
    auto decoded = decode_database(object);
    if (!decoded.ok()) return;
    const base::Lock lock(mutex_);
    written_databases_.insert_or_assign(key, std::move(decoded).value());
  }
}

}  // namespace lockkeeper::app
