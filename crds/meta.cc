#include "crds/meta.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace lockkeeper::crds {
// The part of metadata that has fixed names; labels and annotations have the user's.
struct FixedMeta {
  ObjectMeta meta;
};

void describe(Fields& f, OwnerReference& r) {
  f.text("apiVersion", r.api_version, {});
  f.text("kind", r.kind, {});
  f.text("name", r.name, {});
  f.text("uid", r.uid, {});
  f.boolean("controller", r.controller);
  f.boolean("blockOwnerDeletion", r.block_owner_deletion);
}

void describe(Fields& f, FixedMeta& fixed) {
  ObjectMeta& m = fixed.meta;
  f.text("name", m.name, {});
  f.text("namespace", m.ns, {});
  f.text("uid", m.uid, {});
  f.text("resourceVersion", m.resource_version, {});
  f.integer("generation", m.generation);
  f.time("creationTimestamp", m.creation_timestamp);
  f.time("deletionTimestamp", m.deletion_timestamp);
  f.texts("finalizers", m.finalizers, {}, {});
  f.list("ownerReferences", m.owner_references, {});
}

namespace {

std::map<std::string, std::string> read_map(const Json& metadata, const char* name) {
  std::map<std::string, std::string> map;
  const auto found = metadata.find(name);
  if (found == metadata.end() || !found->is_object()) return map;
  for (const auto& [key, value] : found->items()) {
    if (value.is_string()) map.emplace(key, value.get<std::string>());
  }
  return map;
}

}  // namespace

bool ObjectMeta::has_finalizer(std::string_view text) const {
  return std::find(finalizers.begin(), finalizers.end(), text) != finalizers.end();
}

std::string ObjectMeta::annotation(std::string_view key) const {
  const auto found = annotations.find(std::string(key));
  return found == annotations.end() ? std::string() : found->second;
}

base::Result<ObjectMeta> read_meta(const Json& metadata) {
  TRY(FixedMeta fixed, read_lenient<FixedMeta>(metadata, "metadata"));
  ObjectMeta& meta = fixed.meta;
  if (meta.name.empty()) return base::invalid("is required").with_path("metadata.name");
  meta.labels = read_map(metadata, "labels");
  meta.annotations = read_map(metadata, "annotations");
  return std::move(meta);
}

Json write_meta(const ObjectMeta& meta) {
  Json json = write(FixedMeta{meta});
  if (meta.generation == 0) json.erase("generation");
  if (!meta.labels.empty()) json["labels"] = meta.labels;
  if (!meta.annotations.empty()) json["annotations"] = meta.annotations;
  return json;
}

base::Result<void> check_kind(const Json& object, std::string_view kind) {
  if (!object.is_object()) return base::invalid("the object is not a JSON object");
  const auto says = [&](const char* field, std::string_view wanted) -> base::Result<void> {
    const auto found = object.find(field);
    if (found == object.end() || *found == wanted) return base::ok();
    return base::invalid(fmt::format("must be {}", wanted)).with_path(field);
  };
  TRY_OK(says("apiVersion", api_version));
  return says("kind", kind);
}

}  // namespace lockkeeper::crds
