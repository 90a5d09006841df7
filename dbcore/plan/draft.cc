#include "dbcore/plan/draft.h"

#include <fmt/format.h>

#include <algorithm>

#include "dbcore/sql/parse.h"

namespace lockkeeper::plan {
namespace {

void add_once(std::vector<std::size_t>& list, std::size_t value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

base::Result<void> refuse_kind(const catalog::Table& table, const Position& at) {
  const auto path = at.field("table");
  if (table.kind == catalog::TableKind::foreign || table.kind == catalog::TableKind::other) {
    return refuse(path,
                  fmt::format("{} is not an ordinary or partitioned table", table.name.display()),
                  "operations change tables; use a sql operation for other relations");
  }
  if (table.persistence == 't') {
    return refuse(path, fmt::format("{} is a temporary table", table.name.display()),
                  "name a permanent table");
  }
  if (!table.parents.empty()) {
    return refuse(path, fmt::format("{} is a partition or inheritance child", table.name.display()),
                  "name its parent: what changes there changes here too");
  }
  if (table.column(marker) != nullptr) {
    return refuse(
        path,
        fmt::format("{} has a column {} that another rollout left", table.name.display(), marker),
        "finish or roll back that Migration, or drop the column if none is under way");
  }
  return base::ok();
}

TableDraft fresh(const catalog::Table& table) {
  TableDraft draft;
  draft.start = &table;
  for (const auto& column : table.columns) {
    ColumnDraft entry;
    entry.start = &column;
    entry.name = column.name;
    entry.type = column.type;
    entry.collation = column.collation;
    draft.columns.push_back(std::move(entry));
  }
  return draft;
}

}  // namespace

std::string ColumnDraft::old_place() const {
  return added() ? std::string() : start->name;
}

std::string ColumnDraft::new_place() const {
  if (added()) return name;
  if (renamed() || (retyped && visible)) return shadow;
  return start->name;
}

std::string ColumnDraft::last_place() const {
  if (added()) return name;
  return retyped ? shadow : start->name;
}

ColumnDraft* TableDraft::column(std::string_view name) {
  for (auto& entry : columns) {
    if (!entry.dropped && entry.name == name) return &entry;
  }
  return nullptr;
}

Relation TableDraft::relation() const {
  return {start->oid, start->name.schema.raw(), start->name.name.raw(), false};
}

std::string TableDraft::display() const {
  return start->name.name.raw();
}

std::map<std::string, std::string> TableDraft::new_places() const {
  std::map<std::string, std::string> out;
  for (const auto& entry : columns) {
    if (!entry.dropped) out[entry.name] = entry.new_place();
  }
  return out;
}

std::map<std::string, std::string> TableDraft::last_places() const {
  std::map<std::string, std::string> out;
  for (const auto& entry : columns) {
    if (!entry.dropped) out[entry.name] = entry.last_place();
  }
  return out;
}

std::map<std::string, std::string> TableDraft::old_to_new_places() const {
  std::map<std::string, std::string> out;
  for (const auto& entry : columns) {
    if (!entry.added() && !entry.dropped) out[entry.start->name] = entry.new_place();
  }
  return out;
}

std::map<std::string, std::string> TableDraft::old_to_last_places() const {
  std::map<std::string, std::string> out;
  for (const auto& entry : columns) {
    if (!entry.added() && !entry.dropped) out[entry.start->name] = entry.last_place();
  }
  return out;
}

std::set<std::string> TableDraft::old_names() const {
  std::set<std::string> out;
  for (const auto& column : start->columns) out.insert(column.name);
  return out;
}

std::set<std::string> TableDraft::new_names() const {
  std::set<std::string> out;
  for (const auto& entry : columns) {
    if (!entry.dropped) out.insert(entry.name);
  }
  return out;
}

bool TableDraft::marked() const {
  if (marked_backfill) return true;
  return std::any_of(columns.begin(), columns.end(), [](const ColumnDraft& c) {
    return c.shadowed() || c.computed() || c.fills_by_default() || (c.fill && !c.dropped);
  });
}

Draft::Draft(const catalog::Catalog& start, const Options& options)
    : start_(&start), options_(&options), names_(options.rollout_id) {}

base::Result<TableDraft*> Draft::table(const std::string& name, const Position& at) {
  for (auto& draft : tables) {
    if (draft.start->name.name.raw() == name) {
      add_once(draft.operations, at.index);
      return &draft;
    }
  }
  const auto* found = start_->table(name);
  if (found == nullptr) {
    return refuse(
        at.field("table"),
        fmt::format("table \"{}\" does not exist in schema {}", name, start_->schema.raw()),
        "names are written as PostgreSQL stores them: unquoted, case counts");
  }
  TRY_OK(refuse_kind(*found, at));
  tables.push_back(fresh(*found));
  tables.back().operations.push_back(at.index);
  return &tables.back();
}

base::Result<ColumnDraft*> Draft::column(TableDraft& table, const std::string& name,
                                         const std::string& path) {
  if (auto* found = table.column(name); found != nullptr) return found;
  return refuse(path,
                fmt::format("column \"{}\" of table {} does not exist", name, table.display()),
                "operations are read in order: name the column as those before this one leave it");
}

void Draft::notice(std::string rule, std::string step, std::string message) {
  findings.push_back({Severity::notice, std::move(rule), std::move(step), std::move(message)});
}

void Draft::hazard(std::string rule, std::string step, std::string message) {
  findings.push_back({Severity::hazard, std::move(rule), std::move(step), std::move(message)});
}

base::Result<void> claim_content(ColumnDraft& column, const Position& at) {
  if (!column.content_path.empty()) {
    return refuse(
        at.path,
        fmt::format("{} and {} both rewrite the content of column \"{}\"", column.content_path,
                    at.path, column.name),
        "join them into one operation, or make a second Migration that requires this one");
  }
  column.content_path = at.path;
  return base::ok();
}

void touch(TableDraft& table, ColumnDraft& column, const Position& at) {
  add_once(table.operations, at.index);
  add_once(column.operations, at.index);
  column.path = at.path;
}

base::Result<std::vector<std::string>> type_candidates(const sql::Identifier& schema,
                                                       const std::string& text,
                                                       const std::string& path) {
  auto parsed = sql::parse::type_name(text);
  if (!parsed.ok()) {
    auto error = std::move(parsed).error();
    return refuse(path, error.message, "write a type such as text, numeric(12,2) or app.mood");
  }
  std::vector<std::string> out = {parsed->text()};
  if (text.find('.') == std::string::npos) {
    const auto inside = sql::parse::type_name(schema.quoted() + "." + text);
    if (inside.ok()) out.push_back(inside->text());
  }
  return out;
}

base::Result<const catalog::Type*> resolve_type(const catalog::Catalog& catalog,
                                                const std::string& text, const std::string& path) {
  TRY(const auto candidates, type_candidates(catalog.schema, text, path));
  for (const auto& candidate : candidates) {
    const auto found = catalog.types.find(candidate);
    if (found != catalog.types.end()) return &found->second;
  }
  if (text.find("serial") != std::string::npos) {
    return refuse(path, fmt::format("type \"{}\" is no real type", text),
                  "write bigint with identity: ByDefault");
  }
  for (const auto& candidate : candidates) {
    const auto problem = catalog.type_problems.find(candidate);
    if (problem == catalog.type_problems.end()) continue;
    return refuse(path, problem->second, "write types of other schemas with their schema");
  }
  return refuse(path, fmt::format("type \"{}\" does not exist", text),
                "write types of other schemas with their schema, such as app.mood");
}

base::Result<sql::Identifier> new_name(const std::string& text, const std::string& path) {
  auto name = sql::Identifier::make(text);
  if (!name.ok()) return refuse(path, name.error().message, "write a name of 1 to 63 bytes");
  if (text.rfind(reserved_prefix, 0) == 0) {
    return refuse(path,
                  fmt::format("names that start with {} are lockkeeper's own", reserved_prefix),
                  "choose another name");
  }
  return name;
}

}  // namespace lockkeeper::plan
