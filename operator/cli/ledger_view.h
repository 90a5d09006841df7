// The ledger's records for people and programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "dbcore/execute/journal.h"
#include "operator/cli/verbs.h"

namespace lockkeeper::cli {

// Empty when there is no ledger.
base::Result<std::vector<execute::Record>> read_ledger(const base::Context& ctx,
                                                       const DatabaseOptions& options);

// NAME SCHEMA STATE STEPS SINCE PLAN, one line each.
std::string ledger_table(const std::vector<execute::Record>& records);
// Steps of one record, with what failed last.
std::string record_text(const execute::Record& record);
// with_plan: the whole plan too.
base::Result<nlohmann::json> record_json(const execute::Record& record, bool with_plan);

}  // namespace lockkeeper::cli
