#include "dbcore/plan/refusal.h"

namespace lockkeeper::plan {

std::string Position::field(std::string_view name) const {
  return path + "." + std::string(name);
}

base::Error refuse(std::string path, std::string message, std::string hint) {
  return base::invalid(std::move(message))
      .with_reason("InvalidPlan")
      .with_path(std::move(path))
      .with_hint(std::move(hint));
}

}  // namespace lockkeeper::plan
