#include "operator/kube/object.h"

#include <nlohmann/json.hpp>

#include "operator/http/transport.h"

namespace lockkeeper::kube {
namespace {

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::string Resource::root() const {
  return group.empty() ? "/api/" + version : "/apis/" + group + "/" + version;
}

std::string Resource::api_version() const {
  return group.empty() ? version : group + "/" + version;
}

std::string Resource::path(std::string_view ns, std::string_view name,
                           std::string_view subresource) const {
  std::string path = root();
  if (namespaced && !ns.empty()) path += "/namespaces/" + http::encode_component(ns);
  path += "/" + plural;
  if (!name.empty()) path += "/" + http::encode_component(name);
  if (!subresource.empty()) path += "/" + std::string(subresource);
  return path;
}

base::Result<ObjectMeta> read_meta(const Json& object) {
  if (!object.is_object()) return base::invalid("not an object");
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) {
    return base::invalid("the object has no metadata");
  }
  ObjectMeta meta;
  meta.key = {.ns = text_of(*metadata, "namespace"), .name = text_of(*metadata, "name")};
  if (meta.key.name.empty()) return base::invalid("the object has no name");
  meta.uid = text_of(*metadata, "uid");
  meta.resource_version = text_of(*metadata, "resourceVersion");
  if (const auto found = metadata->find("generation");
      found != metadata->end() && found->is_number_integer()) {
    meta.generation = found->get<std::int64_t>();
  }
  return meta;
}

}  // namespace lockkeeper::kube
