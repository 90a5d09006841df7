// The relations that a statement names. Only parse*.cc includes this.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "dbcore/sql/parse_tree.h"

namespace lockkeeper::sql::parse::detail {

using RelationName = std::pair<std::string, std::string>;  // schema or "", name

// In the order of the text, each once; names of WITH queries left out.
std::vector<RelationName> relations_of(PgQuery__Node& statement);

}  // namespace lockkeeper::sql::parse::detail
