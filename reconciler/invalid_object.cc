#include "reconciler/invalid_object.h"

#include <nlohmann/json.hpp>

#include "crds/database.h"
#include "crds/migration.h"
#include "reconciler/json_view.h"
#include "reconciler/ownership.h"

namespace lockkeeper::reconcile {
namespace {

using crds::ConditionStatus;
using crds::ConditionType;
using crds::Reason;

template <typename Status>
Object stalled(const World& world, const Json& object, const base::Error& error) {
  const Json* raw = member(object, {"status"});
  const Json nothing = Json::object();
  auto read = crds::read_lenient<Status>(raw == nullptr ? nothing : *raw, "status");
  Status before = read.ok() ? std::move(read).value() : Status{};
  Status status = before;
  const auto generation = integer_at(object, {"metadata", "generation"}).value_or(0);
  const auto now = std::chrono::floor<std::chrono::seconds>(world.now());
  status.observed_generation = generation;
  const auto set = [&](ConditionType type, ConditionStatus value) {
    status.conditions.set(type, value, Reason::invalid_spec, error.text(), generation, now);
  };
  set(ConditionType::ready, ConditionStatus::is_false);
  set(ConditionType::reconciling, ConditionStatus::is_false);
  set(ConditionType::stalled, ConditionStatus::is_true);
  if (status == before) return nullptr;
  return std::make_shared<const Json>(crds::write_cut(status));
}

// What cannot be read cannot be rolled back: a person decides.
std::optional<Outcome> released_by_annotation(Kind kind, const Json& object) {
  const Json* metadata = member(object, {"metadata"});
  if (metadata == nullptr) return std::nullopt;
  const auto meta = crds::read_meta(*metadata);
  if (!meta.ok() || !meta->deleting() || !meta->has_finalizer(crds::finalizer) ||
      meta->annotation(crds::annotation::orphan) != "true") {
    return std::nullopt;
  }
  Outcome outcome;
  outcome.uid = meta->uid;
  outcome.resource_version = meta->resource_version;
  outcome.writes.push_back(remove_finalizer(kind, *meta));
  outcome.events.push_back({true, "SchemaOrphaned", "Delete", "let go as the annotation says"});
  return outcome;
}

}  // namespace

base::Result<Outcome> invalid_object(const World& world, Kind kind, const Key& key,
                                     const base::Error& error) {
  const Object object = world.cluster.cached(kind, key);
  Outcome outcome;
  if (object == nullptr) return outcome;
  if (auto released = released_by_annotation(kind, *object)) return *released;
  outcome.uid = text_at(*object, {"metadata", "uid"});
  outcome.resource_version = text_at(*object, {"metadata", "resourceVersion"});
  outcome.status = kind == Kind::database ? stalled<crds::DatabaseStatus>(world, *object, error)
                                          : stalled<crds::MigrationStatus>(world, *object, error);
  if (outcome.status != nullptr) {
    outcome.events.push_back({true, "InvalidSpec", "Read", error.text()});
  }
  return outcome;
}

}  // namespace lockkeeper::reconcile
