// What is tied to a column and cannot be taken along when the column is dropped or replaced: found
// before anything runs, so that no contract fails. Pure.
#pragma once

#include "dbcore/plan/prepared.h"

namespace lockkeeper::plan {

// Refuses by the obstacle's name, with the cure; collects the views that contract makes again.
base::Result<void> clear_way(Draft& draft, Prepared& prepared);

// INHERITS children have indexes and constraints of their own, which no twin takes along.
base::Result<void> clear_children(Draft& draft, const Prepared& prepared);

}  // namespace lockkeeper::plan
