// Questions that only the server can answer about an expression: is it well typed, and may it be
// assigned to a column of this type. Pure; plan/probe.h asks them.
#pragma once

#include "dbcore/plan/prepared.h"

namespace lockkeeper::plan {

// Over the table as it is: `up`.
void probe_value(Draft& draft, const Formula& value, const sql::QualifiedName& table,
                 const std::string& type);
void probe_default(Draft& draft, const Default& value, const std::string& type);
// Over the row as the new version names it, with the types that it sees: `down`, checks and index
// expressions.
base::Result<void> probe_new_shape(Draft& draft, const Prepared& prepared);
// Views that contract makes again have nothing tied to them that would be lost.
void probe_views(Draft& draft, const Prepared& prepared);
// A child that declares the column itself keeps it when the parent drops it.
void probe_children(Draft& draft, const Prepared& prepared);

}  // namespace lockkeeper::plan
