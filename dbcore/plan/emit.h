// From prepared drafts to steps, one file per stage. Each function appends its steps; make() puts
// them in the order of the stages. Pure.
#pragma once

#include <string>
#include <vector>

#include "dbcore/plan/prepared.h"
#include "dbcore/plan/step.h"

namespace lockkeeper::plan {

using Steps = std::vector<Step>;

base::Result<void> emit_expand(const Draft& draft, const Prepared& prepared, Steps& steps);
base::Result<void> emit_backfill(const Prepared& prepared, Steps& steps);
base::Result<void> emit_indexes(Draft& draft, const Prepared& prepared, Steps& steps);
base::Result<void> emit_validate(const Prepared& prepared, Steps& steps);
base::Result<void> emit_verify(const Prepared& prepared, Steps& steps);
// One transaction for all tables of a lock group: those that views to be made again tie together.
base::Result<void> emit_contract(const Draft& draft, const std::vector<Prepared>& prepared,
                                 Steps& steps);
base::Result<void> emit_sql(Draft& draft, const SqlDraft& statements, Steps& steps);

// -- what the emitters share ----------------------------------------------------------------------
std::vector<std::string> texts(const std::vector<sql::Fragment>& statements);
Action transaction(const std::vector<sql::Fragment>& statements, std::vector<Relation> locks,
                   LockMode lock);
Action concurrently(const sql::Fragment& statement, const Relation& table, std::string index_schema,
                    std::string index_name);
sql::Fragment column_name(const std::string& name);

// What gives a column the attributes of the one that it stands beside or for.
std::vector<sql::Fragment> copy_attributes(const sql::QualifiedName& table,
                                           const catalog::Column& from, const std::string& to,
                                           bool same_type, bool with_comment);
// GRANT statements for the aclitems of a relation or, with a column, of that column.
std::vector<sql::Fragment> grants(const std::vector<std::string>& acl,
                                  const sql::QualifiedName& relation, const std::string& column);

}  // namespace lockkeeper::plan
