// uninstall: tells what Lockkeeper keeps in a database and removes it when asked to.
#pragma once

#include "operator/cli/console.h"

namespace lockkeeper::cli {

// Migrations that are neither completed nor rolled back hold it: their tables still have what only
// the ledger knows how to take away.
ExitCode uninstall(const base::Context& ctx, const Console& console, const UninstallVerb& verb);

}  // namespace lockkeeper::cli
