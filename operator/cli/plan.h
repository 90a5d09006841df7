// plan: what would run, step by step, and under which locks. Changes nothing.
#pragma once

#include "operator/cli/console.h"

namespace lockkeeper::cli {

ExitCode plan(const base::Context& ctx, const Console& console, const PlanVerb& verb);

}  // namespace lockkeeper::cli
