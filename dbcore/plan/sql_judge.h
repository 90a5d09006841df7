// What the statements of a sql operation may be, by PostgreSQL's grammar: some run as they are,
// some need `sql` in safety.allow because nobody can say how long they block, some never. Pure.
#pragma once

#include "dbcore/plan/draft.h"

namespace lockkeeper::plan {

struct Judged {
  sql::Fragment text;
  bool transactional = true;
  bool risky = false;  // runs only because it is allowed
};

base::Result<std::vector<Judged>> judge_statements(const Draft& draft, const SqlDraft& source,
                                                   const std::vector<std::string>& statements,
                                                   const std::string& field);

}  // namespace lockkeeper::plan
