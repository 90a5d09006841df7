// Questions that name, by their key, rows which make a step fail on the data: for the message of
// Blocked. One text a row, at most five. Pure, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dbcore/plan/prepared.h"

namespace lockkeeper::plan {

// Rows that VALIDATE CONSTRAINT would find: NULL where none may be, CHECKs that are false, keys
// that refer to nothing. Empty when nothing is to be validated.
std::string rows_that_break(const Prepared& prepared);

// What a unique index takes for a key.
struct UniqueKey {
  std::vector<sql::Fragment> elements;
  std::optional<sql::Fragment> where;
  bool nulls_not_distinct = false;
};
// Rows of `table` that share their key with another.
std::string rows_that_collide(const Prepared& prepared, const sql::QualifiedName& table,
                              const UniqueKey& key);

}  // namespace lockkeeper::plan
