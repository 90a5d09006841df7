// What every Kubernetes object has: the resource it belongs to, its key, and the metadata the
// runtime needs. Values; thread-safe as values are.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "dbcore/base/result.h"

namespace lockkeeper::kube {

using Json = nlohmann::json;

// One kind of object as the API server addresses it; group is empty for the core group.
struct Resource {
  std::string group{};
  std::string version{};
  std::string plural{};
  bool namespaced = true;

  // "/apis/lockkeeper.dev/v1alpha1" or "/api/v1".
  [[nodiscard]] std::string root() const;
  // "lockkeeper.dev/v1alpha1" or "v1".
  [[nodiscard]] std::string api_version() const;
  // The collection (name empty: all objects; ns empty: all namespaces), an object, or a
  // subresource.
  [[nodiscard]] std::string path(std::string_view ns, std::string_view name = {},
                                 std::string_view subresource = {}) const;
};

struct ObjectKey {
  std::string ns{};  // empty for cluster-scoped objects
  std::string name{};

  auto operator<=>(const ObjectKey&) const = default;
  bool operator==(const ObjectKey&) const = default;
  [[nodiscard]] std::string text() const { return ns.empty() ? name : ns + "/" + name; }
};

struct ObjectKeyHash {
  std::size_t operator()(const ObjectKey& key) const {
    return std::hash<std::string>{}(key.name) * 31 + std::hash<std::string>{}(key.ns);
  }
};

// The part of metadata that the runtime itself reads.
struct ObjectMeta {
  ObjectKey key{};
  std::string uid{};
  std::string resource_version{};
  std::int64_t generation = 0;
};

// invalid when there is no metadata.name.
base::Result<ObjectMeta> read_meta(const Json& object);

}  // namespace lockkeeper::kube
