// Every operation has these two functions in its file pair; plan.cc insists on it at compile time.
#pragma once

#include <concepts>

#include "dbcore/plan/draft.h"

namespace lockkeeper::plan {

// So that the names below are functions to the compiler before the first overload is seen.
void plan() = delete;
void apply() = delete;

template <typename Op>
concept Plannable = requires(const Op& op, const Position& at, const catalog::Catalog& now,
                             Draft& draft) {
  // What it needs, told to the draft; refuses what cannot be.
  { plan(op, at, now, draft) } -> std::same_as<base::Result<void>>;
  // What the catalog is like when it is done, for the operations after it.
  { apply(op, now) } -> std::same_as<base::Result<catalog::Catalog>>;
};

// The table of a catalog that apply() changes; operations were planned before, so it is there.
base::Result<catalog::Table*> table_of(catalog::Catalog& catalog, const std::string& name);
base::Result<catalog::Column*> column_of(catalog::Table& table, const std::string& name);

}  // namespace lockkeeper::plan
