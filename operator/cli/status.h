// status: what the ledger in a database knows of its Migrations.
#pragma once

#include "operator/cli/console.h"

namespace lockkeeper::cli {

ExitCode status(const base::Context& ctx, const Console& console, const StatusVerb& verb);

}  // namespace lockkeeper::cli
