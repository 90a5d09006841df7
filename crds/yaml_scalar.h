// What a YAML scalar means by the core schema of YAML 1.2. Pure, thread-safe.
#pragma once

#include <string_view>

#include "crds/json.h"

namespace lockkeeper::crds {

// tag as yaml-cpp gives it: "?" plain, "!" quoted, or a name in full. invalid for a tag that is not
// of the core schema, a value that its tag does not allow, and numbers that JSON does not have.
base::Result<Json> yaml_scalar(std::string_view tag, const std::string& text);

}  // namespace lockkeeper::crds
