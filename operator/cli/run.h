// The whole program but for the operator: from argv to an exit code.
#pragma once

#include <functional>

#include "operator/cli/console.h"
#include "operator/options.h"

namespace lockkeeper::cli {

using RunOperator = std::function<int(const app::OperatorOptions&)>;

// Parses, and runs the verb with the process's own streams. SIGINT and SIGTERM stop a verb in
// order: the ledger knows how far it was.
int run(int argc, char** argv, const RunOperator& run_operator);

// One verb but `operator`; for tests.
ExitCode run_verb(const base::Context& ctx, const Console& console, const Verb& verb);

}  // namespace lockkeeper::cli
