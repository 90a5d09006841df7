// What the codecs of both kinds share: the object around spec and status. Only for crds/*.cc.
#pragma once

#include <nlohmann/json.hpp>

#include "crds/meta.h"

namespace lockkeeper::crds {

template <typename T, typename Spec, typename Status>
base::Result<T> decode_object(const Json& object) {
  TRY_OK(check_kind(object, T::kind));
  T result;
  const Json nothing = Json::object();
  const auto part = [&](const char* name) -> const Json& {
    const auto found = object.find(name);
    return found == object.end() ? nothing : *found;
  };
  TRY(result.metadata, read_meta(part("metadata")));
  if (!object.contains("spec")) return base::invalid("is required").with_path("spec");
  for (const auto& [key, value] : object.items()) {
    if (key != "apiVersion" && key != "kind" && key != "metadata" && key != "spec" &&
        key != "status") {
      return base::invalid("unknown field").with_path(key);
    }
  }
  TRY(result.spec, read_strict<Spec>(part("spec"), "spec"));
  TRY(result.status, read_lenient<Status>(part("status"), "status"));
  return result;
}

template <typename T>
Json encode_object(const T& object) {
  return {{"apiVersion", std::string(api_version)},
          {"kind", std::string(T::kind)},
          {"metadata", write_meta(object.metadata)},
          {"spec", write(object.spec)},
          {"status", write(object.status)}};
}

template <typename T>
Json encode_status(const T& object) {
  return {{"apiVersion", std::string(api_version)},
          {"kind", std::string(T::kind)},
          {"metadata",
           {{"name", object.metadata.name},
            {"namespace", object.metadata.ns},
            {"resourceVersion", object.metadata.resource_version}}},
          {"status", write_cut(object.status)}};
}

}  // namespace lockkeeper::crds
