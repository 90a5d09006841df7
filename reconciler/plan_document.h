// The plan as people find it: ConfigMaps that the Migration owns, and a digest in the status. Pure.
#pragma once

#include <vector>

#include "crds/migration.h"
#include "dbcore/plan/plan.h"
#include "reconciler/outcome.h"

namespace lockkeeper::reconcile {

// <name>-plan: keys plan.txt (for people), plan.json (whole), hash. What does not fit in one goes
// on in <name>-plan-1, -2 ... in pieces to be joined.
std::vector<Write> plan_documents(const crds::ObjectMeta& meta, const plan::Plan& plan);
std::string plan_document_name(const std::string& migration);

crds::PlanStatus plan_status(const std::string& migration, const plan::Plan& plan);

}  // namespace lockkeeper::reconcile
