// Where in the object an operation stands, and the error for one that cannot be planned: what is
// wrong, where, and what to write instead. Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "dbcore/base/result.h"

namespace lockkeeper::plan {

struct Position {
  std::size_t index = 0;  // in spec.operations
  std::string path;       // spec.operations[2].changeType
  [[nodiscard]] std::string field(std::string_view name) const;
};

// invalid, reason InvalidPlan.
base::Error refuse(std::string path, std::string message, std::string hint);

}  // namespace lockkeeper::plan
