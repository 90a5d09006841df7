// rollback: Migrations of a file go back to the old shape, last first.
#pragma once

#include "operator/cli/console.h"

namespace lockkeeper::cli {

ExitCode rollback(const base::Context& ctx, const Console& console, const RollbackVerb& verb);

}  // namespace lockkeeper::cli
