// What makes a database or a table unfit, whatever the operations are. All precondition, each with
// its reason: InRecovery, NoSuchSchema, NotOwner, ForceRowSecurity.
#pragma once

#include "dbcore/base/context.h"
#include "dbcore/catalog/catalog.h"
#include "dbcore/sql/session.h"

namespace lockkeeper::engine {

// Pure: what the catalog alone says.
base::Result<void> judge_server(const catalog::Server& server);
base::Result<void> judge_tables(const catalog::Catalog& catalog);
// Whether our role may act as the owner of every table that is to change.
base::Result<void> check_ownership(const base::Context& ctx, sql::Session& session,
                                   const catalog::Catalog& catalog);

}  // namespace lockkeeper::engine
