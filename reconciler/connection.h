// From a Database's spec and its Secrets to where and how to connect. Reads Secrets by GET and
// writes CA files; else pure.
#pragma once

#include <optional>
#include <string>

#include "crds/database.h"
#include "dbcore/sql/pool.h"
#include "reconciler/world.h"

namespace lockkeeper::reconcile {

// uri wins over parts, tls.mode over sslmode. precondition with reason SecretNotFound or
// InvalidConnection: a Secret may be put right at any time.
base::Result<sql::Endpoint> endpoint_of(const World& world, const crds::Database& database,
                                        const crds::SecretReference& secret);

// recommended: of the server's max_connections, when it is known and sizing is given.
sql::PoolOptions pool_options(const crds::DatabaseSpec& spec, std::optional<int> recommended);

}  // namespace lockkeeper::reconcile
