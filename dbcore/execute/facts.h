// What the ledger expects of the schema, and whether it is so.
//
// The signature is asked before every step (cheap); the facts are read only when it moved, and once
// after the steps of a run. So a step costs no reading of the catalog, and drift is still judged by
// facts alone: a change that was taken back, or one that is no fact, does not stop anything.
#pragma once

#include <string>
#include <vector>

#include "dbcore/catalog/inspect.h"
#include "dbcore/execute/job.h"

namespace lockkeeper::execute {

// Facts of the plan's tables as they are now, and the signature they belong to: both of one moment.
struct SchemaState {
  std::vector<std::string> facts;
  std::string signature;
};
// What read_state() reads, and what it signs.
catalog::Request request_of(const plan::Plan& plan);
std::vector<std::uint32_t> relations_of(const plan::Plan& plan);
base::Result<SchemaState> read_state(const base::Context& ctx, sql::Session& session,
                                     const plan::Plan& plan);

// The difference between what the record expects and what is there; empty when there is none.
base::Result<std::string> difference(const base::Context& ctx, sql::Session& session,
                                     const Record& record);

// precondition Drift unless the schema is as the last step left it. Adopts a signature that moved
// without any fact having changed. Facts that name `own` are not looked at: what a step that could
// not commit with its row may have left, or taken away.
base::Result<void> expect_no_drift(const base::Context& ctx, Job& job, std::string_view own = {});
// Writes down the facts that the last steps left. precondition Drift when somebody was quicker.
base::Result<void> settle_facts(const base::Context& ctx, Job& job);

base::Error drift_error(const std::string& difference);

}  // namespace lockkeeper::execute
