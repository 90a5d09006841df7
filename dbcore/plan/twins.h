// The second index or constraint that a second column needs: while both versions run, for those who
// read by the new name; and for the shape that contract leaves. The catalog's own definition,
// re-targeted on its parse tree. Pure.
#pragma once

#include <string>
#include <vector>

#include "dbcore/plan/draft.h"

namespace lockkeeper::plan {

struct IndexTwin {
  const catalog::Index* index = nullptr;
  std::string name;
  bool lasts = false;  // becomes the index after contract; else it goes with its column
  std::map<std::string, std::string> columns;
};

struct ConstraintTwin {
  const catalog::Constraint* constraint = nullptr;
  std::string name;
  bool lasts = false;
  std::map<std::string, std::string> columns;
  sql::Fragment add;  // ALTER TABLE .. ADD CONSTRAINT .. NOT VALID
};

struct Twins {
  std::vector<IndexTwin> indexes;
  std::vector<ConstraintTwin> constraints;  // checks and foreign keys
};

base::Result<Twins> twins(Draft& draft, const TableDraft& table);

}  // namespace lockkeeper::plan
