// YAML as users write manifests, into JSON. Pure, thread-safe.
//
// YAML 1.2 core schema: a plain scalar is null, true or false, a number or else a string; a quoted
// one is always a string. Refused: a key given twice, a key that is no scalar, tags other than the
// core ones, nesting beyond 64, text beyond 1 MiB, and aliases that would grow it beyond 100,000
// nodes.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "crds/json.h"

namespace lockkeeper::crds {

inline constexpr std::size_t max_yaml_bytes = 1024 * 1024;

struct YamlDocument {
  std::shared_ptr<const Json> value;
  int line = 0;  // where it starts, counted from 1
};

// Empty documents are left out. Errors are invalid, with line and column.
base::Result<std::vector<YamlDocument>> parse_yaml(std::string_view text);

}  // namespace lockkeeper::crds
