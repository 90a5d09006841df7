// What several operations ask of names and clauses before they accept them. Pure.
#pragma once

#include "dbcore/plan/draft.h"

namespace lockkeeper::plan {

// No relation of the schema and no index of the list has the name.
base::Result<void> relation_is_free(const Draft& draft, const std::string& name,
                                    const std::string& path);
base::Result<void> constraint_is_free(const TableDraft& table, const std::string& name,
                                      const std::string& path);
// Triggers see a generated column as NULL.
base::Result<void> refuse_generated_sources(const TableDraft& table, const Formula& formula);

// "de_DE" or "app.german", each part as stored.
base::Result<sql::Fragment> collation_name(const std::string& text, const std::string& path);

// NoAction | Restrict | Cascade | SetNull | SetDefault or empty, as SQL says it.
base::Result<sql::Fragment> referential_action(const std::string& word, const std::string& path);

// The one column of the parent that a foreign key refers to: named, or its primary key.
base::Result<std::string> referenced_key(const catalog::Table& parent,
                                         const ReferencesClause& clause, const std::string& path);

}  // namespace lockkeeper::plan
