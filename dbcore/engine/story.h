// What is done with a Migration from one resting point to the next, told in steps. Each picks up
// where the ledger says that it was left.
#pragma once

#include "dbcore/execute/executor.h"

namespace lockkeeper::engine {

// To State::ready.
base::Result<void> expand(const base::Context& ctx, execute::Job& job);
// From ready to completed, by way of contracting, whence there is no way back.
base::Result<void> contract(const base::Context& ctx, execute::Job& job);
// To rolled_back, from any state before contracting.
base::Result<void> roll_back(const base::Context& ctx, execute::Job& job);

}  // namespace lockkeeper::engine
