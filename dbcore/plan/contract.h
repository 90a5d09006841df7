// One table's part of the contract transaction: the router goes, columns change places, and what
// stood on the old ones stands on the new. Pure.
#pragma once

#include <vector>

#include "dbcore/plan/prepared.h"

namespace lockkeeper::plan {

// Of the table's own foreign keys: those on columns that are dropped or replaced, and twins that
// live until contract.
std::vector<const catalog::Constraint*> foreign_keys_that_go(const Prepared& prepared);

// Of a replaced column with a default: `up` of the default is the new default, rather than its
// cast.
bool converts_default(const ColumnDraft& column);

void drop_router(const Prepared& prepared, std::vector<sql::Fragment>& out);
base::Result<void> swap_columns(const Draft& draft, const Prepared& prepared,
                                std::vector<sql::Fragment>& out);

}  // namespace lockkeeper::plan
