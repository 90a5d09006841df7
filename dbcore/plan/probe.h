// Asks the server what make() could not know: does the expression type-check, can the cast fail.
#pragma once

#include "dbcore/base/context.h"
#include "dbcore/plan/plan.h"
#include "dbcore/sql/session.h"

namespace lockkeeper::plan {

// The first probe that fails is the error: invalid with its path when the server calls the SQL
// wrong, unavailable and so on as they come. All in one read-only transaction.
base::Result<void> probe(const base::Context& ctx, sql::Session& session, const Plan& plan);

}  // namespace lockkeeper::plan
