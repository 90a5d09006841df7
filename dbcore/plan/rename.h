// What follows a column's new name through a draft and through a catalog. Pure.
#pragma once

#include "dbcore/plan/draft.h"

namespace lockkeeper::plan {

// Indexes and checks that the list makes read the column by its new name.
base::Result<void> rename_in_draft(TableDraft& table, ColumnDraft& column, const std::string& to);

// Definitions are re-targeted on the parse tree.
base::Result<void> rename_in_catalog(catalog::Table& table, const std::string& from,
                                     const std::string& to);

}  // namespace lockkeeper::plan
