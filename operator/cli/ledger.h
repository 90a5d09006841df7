// ledger: the SQL that makes it, or all that stands in it.
#pragma once

#include "operator/cli/console.h"

namespace lockkeeper::cli {

ExitCode ledger(const base::Context& ctx, const Console& console, const LedgerVerb& verb);

}  // namespace lockkeeper::cli
