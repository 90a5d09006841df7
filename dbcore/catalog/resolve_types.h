// What the server makes of types that a user wrote. Used by inspect.cc alone.
#pragma once

#include <string>
#include <vector>

#include "dbcore/base/context.h"
#include "dbcore/catalog/catalog.h"
#include "dbcore/sql/session.h"

namespace lockkeeper::catalog {

// Fills types and type_problems. Unqualified names are looked up in pg_catalog, then in the schema.
// In a transaction only; search_path is empty afterwards. One bad type does not spoil the others.
base::Result<void> resolve_types(const base::Context& ctx, sql::Session& session,
                                 const sql::Identifier& schema,
                                 const std::vector<std::string>& checked_texts, Catalog& into);

}  // namespace lockkeeper::catalog
