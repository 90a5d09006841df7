// What every object of ours carries beside its spec and status, and the names that are fixed
// between people, manifests and code. Plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crds/json.h"

namespace lockkeeper::crds {

inline constexpr std::string_view api_group = "lockkeeper.dev";
inline constexpr std::string_view api_version = "lockkeeper.dev/v1alpha1";
inline constexpr std::string_view finalizer = "lockkeeper.dev/ledger";
inline constexpr std::string_view field_manager = "lockkeeper";

// Annotations that a person sets.
namespace annotation {
inline constexpr std::string_view orphan = "lockkeeper.dev/orphan";              // "true"
inline constexpr std::string_view retry_switch = "lockkeeper.dev/retry-switch";  // any new value
}  // namespace annotation

struct OwnerReference {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;
  bool controller = false;
  bool block_owner_deletion = false;
  bool operator==(const OwnerReference&) const = default;
};

struct ObjectMeta {
  std::string name;
  std::string ns;  // field `namespace`
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  std::optional<std::chrono::sys_seconds> creation_timestamp;
  std::optional<std::chrono::sys_seconds> deletion_timestamp;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::vector<std::string> finalizers;
  std::vector<OwnerReference> owner_references;
  bool operator==(const ObjectMeta&) const = default;

  [[nodiscard]] bool deleting() const { return deletion_timestamp.has_value(); }
  [[nodiscard]] bool has_finalizer(std::string_view text) const;
  // Empty when it is not there.
  [[nodiscard]] std::string annotation(std::string_view key) const;
};

// Unknown fields are skipped: metadata is the API server's. invalid without a name.
base::Result<ObjectMeta> read_meta(const Json& metadata);
Json write_meta(const ObjectMeta& meta);

// invalid when the object says that it is another kind or version; silence is taken for consent, as
// items of a list may be silent.
base::Result<void> check_kind(const Json& object, std::string_view kind);

}  // namespace lockkeeper::crds
