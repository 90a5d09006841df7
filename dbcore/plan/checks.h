// Questions to the system catalogs by which a step is known to be done. All names are quoted text
// in literals, so they hold under any search_path. Pure, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "dbcore/sql/identifier.h"
#include "dbcore/sql/statement.h"

namespace lockkeeper::plan::checks {

sql::Fragment regclass(const sql::QualifiedName& relation);
sql::Fragment has_columns(const sql::QualifiedName& table, const std::vector<std::string>& names);
sql::Fragment lacks_columns(const sql::QualifiedName& table, const std::vector<std::string>& names);
sql::Fragment column_is(const sql::QualifiedName& table, const std::string& column,
                        const std::string& type);
sql::Fragment not_null(const sql::QualifiedName& table, const std::vector<std::string>& names);
sql::Fragment has_trigger(const sql::QualifiedName& table, const std::string& trigger);
sql::Fragment lacks_trigger(const sql::QualifiedName& table, const std::string& trigger);
sql::Fragment index_valid(const sql::QualifiedName& index, const sql::QualifiedName& table);
sql::Fragment has_constraints(const sql::QualifiedName& table,
                              const std::vector<std::string>& names);
sql::Fragment lacks_constraints(const sql::QualifiedName& table,
                                const std::vector<std::string>& names);
sql::Fragment validated(const sql::QualifiedName& table, const std::vector<std::string>& names);

// SELECT a AND b AND c; empty for none.
std::string all_of(const std::vector<sql::Fragment>& questions);

}  // namespace lockkeeper::plan::checks
