// Which Migration of those on the same tables goes first, and whom it waits for. Pure: it judges by
// what the cache shows.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "crds/migration.h"
#include "reconciler/gates/gate.h"

namespace lockkeeper::reconcile {

using Migrations = std::vector<std::shared_ptr<const crds::Migration>>;

// "schema.table" of everything that its operations name; empty when they do not parse.
std::set<std::string> tables_of(const crds::Migration& migration,
                                const std::string& default_schema);

// Migrations that must be Completed first: closed with RequiresCycle, named, or WaitingForRequired.
// completed answers for one whose object is gone.
base::Result<Verdict> judge_required(
    const crds::Migration& migration, const Migrations& all,
    const std::function<base::Result<bool>(const std::string& name)>& completed);

// closed with WaitingInQueue, naming those ahead: who holds a table they share, or is older and on
// its way. default_schema: of their Database.
Verdict judge_queue(const crds::Migration& migration, const Migrations& all,
                    const std::string& default_schema);

}  // namespace lockkeeper::reconcile
