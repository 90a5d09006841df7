// What apply and rollback have in common: drive each Migration of a file, show it, sum up.
#pragma once

#include "operator/cli/console.h"
#include "operator/cli/documents.h"
#include "operator/cli/local_run.h"

namespace lockkeeper::cli {

struct RunRequest {
  Documents documents;
  DatabaseOptions database;
  Output output = Output::human;
  std::chrono::milliseconds wait{0};
  LocalRun::Judge judge;
};

// The first Migration that does not get done ends the run: those after it may build on it.
ExitCode run_migrations(const base::Context& ctx, const Console& console, RunRequest request);

}  // namespace lockkeeper::cli
