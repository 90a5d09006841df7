#include "operator/work.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace lockkeeper::app {
namespace {

constexpr auto by_database = "database";

std::string database_index_key(const std::string& ns, const std::string& name) {
  return ns + "/" + name;
}

bool terminal(const crds::MigrationStatus& status) {
  return status.phase == crds::Phase::completed || status.phase == crds::Phase::rolled_back;
}

// Whether somebody else changed the object, and not only we its status.
template <typename T>
bool changed_by_others(const kube::Entry<Cached<T>>& before, const kube::Entry<Cached<T>>& after) {
  if (!before.object || !after.object) return true;
  if (!before.object->object || !after.object->object) return true;
  const crds::ObjectMeta& a = before.object->object->metadata;
  const crds::ObjectMeta& b = after.object->object->metadata;
  return a.uid != b.uid || a.generation != b.generation || a.annotations != b.annotations ||
         a.labels != b.labels || a.deletion_timestamp != b.deletion_timestamp ||
         a.finalizers != b.finalizers;
}

// Whether a neighbour that waited for it may go on now.
bool let_go(const kube::Entry<Cached<crds::Migration>>& before,
            const kube::Entry<Cached<crds::Migration>>& after) {
  if (!before.object || !before.object->object) return false;
  if (!after.object || !after.object->object) return true;
  const crds::MigrationStatus& was = before.object->object->status;
  const crds::MigrationStatus& is = after.object->object->status;
  return terminal(was) != terminal(is) || was.conditions.is_true(crds::ConditionType::stalled) !=
                                              is.conditions.is_true(crds::ConditionType::stalled);
}

kube::Priority priority_of(bool initial) {
  return initial ? kube::Priority::low : kube::Priority::high;
}

template <typename Informer>
kube::ControllerOptions controller_options(const std::string& name, int workers,
                                           Informer& informer) {
  return {.name = name, .workers = workers, .resync_keys = [&informer] {
            return informer.store().keys();
          }};
}

}  // namespace

Work::Work(const base::Context& root, const Foundation& foundation)
    : root_(root),
      on_(foundation),
      writer_(on_.client, on_.view, on_.events),
      migration_controller_(
          controller_options("migration", on_.workers, on_.migrations),
          [this](const base::Context& ctx, const kube::ObjectKey& key) {
            return reconcile(ctx, reconcile::Kind::migration, key, migration_reconciler_);
          },
          root.clock(), &on_.metrics),
      database_controller_(
          controller_options("database", on_.workers, on_.databases),
          [this](const base::Context& ctx, const kube::ObjectKey& key) {
            // Connected in this process for the first time: its status may have said so before.
            const reconcile::Key database = reconcile_key(key);
            const bool known = on_.pools.facts(database).has_value();
            auto done = reconcile(ctx, reconcile::Kind::database, key, database_reconciler_);
            if (!known && on_.pools.facts(database)) wake_users(database);
            return done;
          },
          root.clock(), &on_.metrics),
      runner_(root, [this](const reconcile::Key& key) {
        migration_controller_.queue().add(object_key(key));
      }) {
  listen();
}

template <typename Reconciler>
base::Result<kube::Reconciled> Work::reconcile(const base::Context& ctx, reconcile::Kind kind,
                                               const kube::ObjectKey& key, Reconciler& reconciler) {
  const reconcile::Key object = reconcile_key(key);
  TRY(const reconcile::Outcome outcome, reconciler.reconcile(world(ctx), object));
  auto done = writer_.carry_out(ctx, kind, object, outcome);
  if (done.ok()) return done;
  // The queue tries again; the person who could help reads the object, not our log.
  const auto told = reconciler.write_refused(world(ctx), object, done.error());
  if (const auto said = writer_.carry_out(ctx, kind, object, told); !said.ok()) {
    ctx.log().warn("status not written", {{"error", said.error().text()}});
  }
  return done;
}

void Work::stop() {
  threads_.clear();
  runner_.stop();
}

void Work::listen() {
  on_.migrations.store().add_index(by_database, [](const Cached<crds::Migration>& cached) {
    if (!cached.object) return std::vector<std::string>();
    return std::vector{
        database_index_key(cached.object->metadata.ns, cached.object->spec.database_ref.name)};
  });
  on_.migrations.on_change(
      [this](const kube::Change<Cached<crds::Migration>>& change) { migration_changed(change); });
  on_.databases.on_change(
      [this](const kube::Change<Cached<crds::Database>>& change) { database_changed(change); });
}

void Work::migration_changed(const kube::Change<Cached<crds::Migration>>& change) {
  if (changed_by_others(change.before, change.after)) {
    migration_controller_.queue().add(change.key, priority_of(change.initial));
  }
  if (let_go(change.before, change.after)) wake_neighbours(*change.before.object->object);
}

void Work::wake_neighbours(const crds::Migration& migration) {
  const std::string& ns = migration.metadata.ns;
  const std::string& database = migration.spec.database_ref.name;
  database_controller_.queue().add({.ns = ns, .name = database});
  wake_users({ns, database});
}

void Work::wake_users(const reconcile::Key& database) {
  for (const auto& user : on_.migrations.store().by_index(
           by_database, database_index_key(database.ns, database.name))) {
    if (!user->object || terminal(user->object->status)) continue;
    migration_controller_.queue().add({.ns = database.ns, .name = user->object->metadata.name});
  }
}

void Work::database_changed(const kube::Change<Cached<crds::Database>>& change) {
  if (changed_by_others(change.before, change.after)) {
    database_controller_.queue().add(change.key, priority_of(change.initial));
  }
  const auto ready = [](const kube::Entry<Cached<crds::Database>>& entry) {
    return entry.object && entry.object->object &&
           entry.object->object->status.conditions.is_true(crds::ConditionType::ready);
  };
  if (change.initial || ready(change.before) == ready(change.after)) return;
  wake_users(reconcile_key(change.key));
}

reconcile::World Work::world(const base::Context& ctx) {
  return {.ctx = ctx,
          .cluster = on_.view,
          .pools = on_.pools,
          .runner = runner_,
          .http = on_.probe,
          .runtime_dir = on_.runtime_dir};
}

void Work::start() {
  threads_.emplace_back([this] { migration_controller_.run(root_); });
  threads_.emplace_back([this] { database_controller_.run(root_); });
}

}  // namespace lockkeeper::app
