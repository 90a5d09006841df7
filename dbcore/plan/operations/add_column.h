#pragma once

#include "dbcore/plan/operations/operation_plan.h"

namespace lockkeeper::plan {

base::Result<void> plan(const AddColumn& op, const Position& at, const catalog::Catalog& now,
                        Draft& draft);
base::Result<catalog::Catalog> apply(const AddColumn& op, const catalog::Catalog& now);

}  // namespace lockkeeper::plan
