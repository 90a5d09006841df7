#pragma once

#include "dbcore/plan/operations/operation_plan.h"

namespace lockkeeper::plan {

base::Result<void> plan(const CreateIndex& op, const Position& at, const catalog::Catalog& now,
                        Draft& draft);
base::Result<catalog::Catalog> apply(const CreateIndex& op, const catalog::Catalog& now);

}  // namespace lockkeeper::plan
