#include "reconciler/queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "dbcore/plan/plan.h"

namespace lockkeeper::reconcile {
namespace {

using crds::ConditionType;
using crds::Migration;
using crds::Reason;

using ByName = std::map<std::string, const Migration*>;

ByName by_name(const Migrations& all) {
  ByName names;
  for (const auto& migration : all) names[migration->metadata.name] = migration.get();
  return names;
}

bool is_terminal(const Migration& migration) {
  const auto& conditions = migration.status.conditions;
  return conditions.is_true(ConditionType::contracted) ||
         conditions.is_true(ConditionType::rolled_back);
}

// Depth first; path is where we are, and becomes the cycle that leads back to `start`.
bool leads_back(const ByName& names, const std::string& at, const std::string& start,
                std::set<std::string>& seen, std::vector<std::string>& path) {
  const auto found = names.find(at);
  if (found == names.end() || !seen.insert(at).second) return false;
  path.push_back(at);
  for (const std::string& next : found->second->spec.required) {
    if (next == start || leads_back(names, next, start, seen, path)) return true;
  }
  path.pop_back();
  return false;
}

bool requires_indirectly(const ByName& names, const Migration& migration,
                         const std::string& other) {
  std::set<std::string> seen;
  std::vector<std::string> path;
  return leads_back(names, migration.metadata.name, other, seen, path);
}

// Before the first DDL, these hold no place in the queue: the next may pass.
bool stands_aside(const Migration& migration) {
  const auto& conditions = migration.status.conditions;
  return conditions.is_true(ConditionType::stalled) || migration.spec.suspend ||
         migration.spec.rollback || migration.metadata.deleting() ||
         conditions.has_reason(ConditionType::ready, Reason::awaiting_approval) ||
         conditions.has_reason(ConditionType::ready, Reason::waiting_for_required) ||
         conditions.has_reason(ConditionType::ready, Reason::window_closed);
}

auto order(const Migration& migration) {
  return std::make_tuple(migration.metadata.creation_timestamp.value_or(std::chrono::sys_seconds{}),
                         migration.metadata.name);
}

bool is_ahead(const Migration& other, const Migration& migration, const ByName& names) {
  if (is_terminal(other)) return false;
  // Stalled before the first step was taken: the mark on it holds nothing.
  const bool nothing_done =
      !other.status.steps && other.status.conditions.is_true(ConditionType::stalled);
  if (other.status.started_at && !nothing_done) return true;
  if (requires_indirectly(names, other, migration.metadata.name)) return false;
  return order(other) < order(migration) && !stands_aside(other);
}

bool share(const std::set<std::string>& left, const std::set<std::string>& right) {
  return std::ranges::any_of(left, [&](const std::string& name) { return right.contains(name); });
}

}  // namespace

std::set<std::string> tables_of(const Migration& migration, const std::string& default_schema) {
  const std::string& named = migration.spec.target.schema;
  const std::string& schema = named.empty() ? default_schema : named;
  std::set<std::string> tables;
  const auto request = plan::request(schema, migration.spec.operations);
  if (!request.ok()) return tables;
  for (const std::string& table : request->tables) tables.insert(schema + "." + table);
  return tables;
}

base::Result<Verdict> judge_required(
    const Migration& migration, const Migrations& all,
    const std::function<base::Result<bool>(const std::string& name)>& completed) {
  const ByName names = by_name(all);
  std::set<std::string> seen;
  std::vector<std::string> cycle;
  const std::string& self = migration.metadata.name;
  if (leads_back(names, self, self, seen, cycle)) {
    cycle.push_back(self);
    return closed(Reason::requires_cycle,
                  fmt::format("spec.requires: {} require each other; hint: remove one of them",
                              fmt::join(cycle, " -> ")));
  }
  for (const std::string& name : migration.spec.required) {
    const auto found = names.find(name);
    if (found != names.end() &&
        found->second->status.conditions.is_true(ConditionType::contracted)) {
      continue;
    }
    if (found != names.end()) {
      return closed(Reason::waiting_for_required,
                    fmt::format("waiting for Migration {}, which spec.requires names, to be "
                                "Completed",
                                name));
    }
    TRY(const bool done, completed(name));
    if (!done) {
      return closed(Reason::waiting_for_required,
                    fmt::format("there is no Migration {}, which spec.requires names; waiting for "
                                "it to be made and Completed",
                                name));
    }
  }
  return open_gate();
}

Verdict judge_queue(const Migration& migration, const Migrations& all,
                    const std::string& default_schema) {
  const ByName names = by_name(all);
  const auto mine = tables_of(migration, default_schema);
  std::vector<std::string> ahead;
  for (const auto& other : all) {
    if (other->metadata.name == migration.metadata.name) continue;
    if (other->spec.database_ref.name != migration.spec.database_ref.name) continue;
    if (!share(mine, tables_of(*other, default_schema))) continue;
    if (is_ahead(*other, migration, names)) ahead.push_back(other->metadata.name);
  }
  if (ahead.empty()) return open_gate();
  std::ranges::sort(ahead);
  return closed(Reason::waiting_in_queue,
                fmt::format("waiting for Migration {}, which is first on the same tables",
                            fmt::join(ahead, ", ")));
}

}  // namespace lockkeeper::reconcile
