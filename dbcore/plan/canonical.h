// The text over which a plan's hash is taken: what runs, and the schema it was made for.
// Findings, facts and probes are told to people or asked of the server, and are left out.
#pragma once

#include <string>

#include "dbcore/plan/plan.h"

namespace lockkeeper::plan {

std::string canonical(const Plan& plan);

}  // namespace lockkeeper::plan
