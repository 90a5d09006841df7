// What a person should know before the steps run: hazards need an approval, notices are shown.
// Pure.
#pragma once

#include "dbcore/plan/emit.h"

namespace lockkeeper::plan {

void find_all(Draft& draft, const std::vector<Prepared>& prepared, const Steps& steps);

// The tables of the catalog that the statements of a sql operation name.
std::vector<Relation> tables_named(const catalog::Catalog& catalog, const Sql& op);

}  // namespace lockkeeper::plan
