// apply: Migrations of a file, run against a database without a cluster.
#pragma once

#include "operator/cli/console.h"

namespace lockkeeper::cli {

ExitCode apply(const base::Context& ctx, const Console& console, const ApplyVerb& verb);

}  // namespace lockkeeper::cli
