// A Plan as JSON: canonical (sorted keys) for the hash, the ledger and the ConfigMap; and as text
// for people. Reading is strict; a newer format version is refused with a message that says so.
#pragma once

#include <string>

#include "dbcore/plan/plan.h"

namespace lockkeeper::plan {

std::string to_json(const Plan& plan);
base::Result<Plan> from_json(std::string_view text);

// Each step with lock, duration class, hazards, SQL and undo, as `lockkeeper plan` prints it.
std::string to_text(const Plan& plan);

}  // namespace lockkeeper::plan
