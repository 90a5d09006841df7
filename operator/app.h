// The operator as a process: everything put together, started in order and stopped in reverse.
#pragma once

#include "operator/options.h"

namespace lockkeeper::app {

// Serves until SIGTERM or SIGINT (0), or until the lease is lost or something it cannot do without
// fails (1); 2 when the options cannot be used. Ends within 25 s of the signal.
int run_operator(const OperatorOptions& options);

}  // namespace lockkeeper::app
