// The database that the command line names.
#pragma once

#include <memory>

#include "dbcore/sql/pool.h"
#include "operator/cli/verbs.h"

namespace lockkeeper::cli {

// invalid when the URL cannot be used. Connects later, when a session is asked for; the password
// may come from where libpq looks for one.
base::Result<sql::Endpoint> endpoint_of(const DatabaseOptions& options);
sql::PoolOptions pool_options();
base::Result<std::shared_ptr<sql::Pool>> open_pool(const DatabaseOptions& options);

// Whether our ledger is in this database, without making it.
base::Result<bool> has_ledger(const base::Context& ctx, sql::Session& session);

}  // namespace lockkeeper::cli
