#include "dbcore/plan/index_builds.h"

#include <fmt/format.h>

#include "dbcore/plan/checks.h"
#include "dbcore/plan/demands.h"

namespace lockkeeper::plan {
namespace {

using sql::format;
using sql::Fragment;
using sql::Identifier;

sql::QualifiedName index_in(const sql::QualifiedName& table, const std::string& name) {
  return {table.schema, Identifier::trusted(name)};
}

void collect_parts(const catalog::Catalog& catalog, const catalog::Table& table,
                   const std::string& index, const std::string& root, std::vector<IndexPart>& out) {
  for (const auto& [oid, name] : table.children) {
    const auto related = catalog.related.find(oid);
    IndexPart part;
    part.table = {oid, name.schema.raw(), name.name.raw(), false};
    part.name = bounded(name.name.raw() + "_" + root);
    part.parent = index;
    part.parent_schema = table.name.schema.raw();
    part.leaf =
        related == catalog.related.end() || related->second.kind != catalog::TableKind::partitioned;
    const bool foreign =
        related != catalog.related.end() && related->second.kind == catalog::TableKind::foreign;
    if (foreign) continue;
    const auto own = part.name;
    const bool deeper = !part.leaf;
    out.push_back(std::move(part));
    if (deeper) collect_parts(catalog, related->second, own, root, out);
  }
}

Step index_step(const IndexBuild& build, std::string id, std::string summary) {
  Step step;
  step.id = std::move(id);
  step.stage = Stage::index;
  step.summary = std::move(summary);
  step.operations = build.operations;
  return step;
}

Action drop_concurrently(const sql::QualifiedName& index, const Relation& table) {
  return concurrently(format("DROP INDEX CONCURRENTLY IF EXISTS {}", index), table, {}, {});
}

base::Result<void> build_plain(const IndexBuild& build, const Relation& table,
                               const std::string& id, const std::string& name, bool part,
                               Steps& steps) {
  TRY(const auto create, build.create(name, table.qualified(), true, false));
  auto step = index_step(build, id, build.summary);
  step.duration = DurationClass::index_build;
  step.statement_timeout_ms = 0;
  step.action = concurrently(create, table, table.schema, name);
  if (build.diagnosis) step.diagnosis = build.diagnosis(table.qualified());
  const auto index = index_in(table.qualified(), name);
  step.postcheck = checks::all_of({checks::index_valid(index, table.qualified())});
  // A partition's part goes with the whole.
  if (!part) step.undo = {drop_concurrently(index, table)};
  steps.push_back(std::move(step));
  return base::ok();
}

base::Result<void> build_shell(const Prepared& prepared, const IndexBuild& build,
                               const std::vector<IndexPart>& parts, Steps& steps) {
  std::vector<Fragment> statements;
  TRY(auto root, build.create(build.name, prepared.name(), false, true));
  statements.push_back(std::move(root));
  for (const auto& part : parts) {
    if (part.leaf) continue;
    TRY(auto shell, build.create(part.name, part.table.qualified(), false, true));
    statements.push_back(std::move(shell));
  }
  auto step = index_step(build, build.id, build.summary + " on the parent alone");
  step.action = transaction(statements, {prepared.table->relation()}, LockMode::share);
  const auto index = index_in(prepared.name(), build.name);
  step.postcheck = format("SELECT {} IS NOT NULL", checks::regclass(index)).text();
  step.undo = {transaction({format("DROP INDEX IF EXISTS {}", index)}, {prepared.table->relation()},
                           LockMode::access_exclusive)};
  steps.push_back(std::move(step));
  return base::ok();
}

void attach_parts(const Prepared& prepared, const IndexBuild& build,
                  const std::vector<IndexPart>& parts, Steps& steps) {
  std::vector<Fragment> statements;
  // Leaves first: a parent becomes valid with its last part.
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    statements.push_back(format("ALTER INDEX {} ATTACH PARTITION {}",
                                sql::QualifiedName{Identifier::trusted(part->parent_schema),
                                                   Identifier::trusted(part->parent)},
                                index_in(part->table.qualified(), part->name)));
  }
  auto step = index_step(build, build.id + "-attach", build.summary + ": attach its parts");
  step.action =
      transaction(statements, {prepared.table->relation()}, LockMode::share_update_exclusive);
  step.postcheck =
      checks::all_of({checks::index_valid(index_in(prepared.name(), build.name), prepared.name())});
  steps.push_back(std::move(step));
}

// Part indexes that were built but not attached do not go with the parent's.
void undo_loose_parts(const std::vector<IndexPart>& parts, Step& step) {
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    step.undo.push_back(transaction(
        {format("DROP INDEX IF EXISTS {}", index_in(part->table.qualified(), part->name))},
        {part->table}, LockMode::access_exclusive));
  }
}

Fragment collation_of(const std::string& text) {
  // The words were read when the operation was planned.
  auto name = collation_name(text, {});
  return name.ok() ? std::move(name).value() : Fragment();
}

base::Result<Fragment> element_text(const IndexElement& element, const Formula& expression,
                                    const std::map<std::string, std::string>& places) {
  Fragment out;
  if (element.name.empty()) {
    TRY(const auto text, renamed(expression, places));
    out = format("({})", text);
  } else {
    out = column_name(places.at(element.name));
  }
  if (!element.collation.empty())
    out = format("{} COLLATE {}", out, collation_of(element.collation));
  if (!element.opclass.empty()) out = format("{} {}", out, collation_of(element.opclass));
  if (!element.order.empty()) {
    out = format("{} {}", out, Fragment::trusted(element.order == "Desc" ? "DESC" : "ASC"));
  }
  if (!element.nulls.empty()) {
    out =
        format("{} NULLS {}", out, Fragment::trusted(element.nulls == "First" ? "FIRST" : "LAST"));
  }
  return out;
}

Fragment storage_options(const CreateIndex& op) {
  std::vector<Fragment> out;
  for (const auto& [name, value] : op.with) {
    out.push_back(format("{} = {}", Identifier::trusted(name), sql::Literal{value}));
  }
  return out.empty() ? Fragment() : format(" WITH ({})", sql::join(out));
}

Fragment included(const CreateIndex& op, const std::map<std::string, std::string>& places) {
  std::vector<Fragment> out;
  for (const auto& name : op.include) out.push_back(column_name(places.at(name)));
  return out.empty() ? Fragment() : format(" INCLUDE ({})", sql::join(out));
}

}  // namespace

base::Result<UniqueKey> unique_key(const IndexDraft& index,
                                   const std::map<std::string, std::string>& places) {
  UniqueKey out;
  out.nulls_not_distinct = index.definition.nulls_not_distinct;
  for (std::size_t i = 0; i < index.definition.columns.size(); ++i) {
    IndexElement bare;
    bare.name = index.definition.columns[i].name;
    bare.collation = index.definition.columns[i].collation;
    TRY(auto element, element_text(bare, index.expressions[i], places));
    out.elements.push_back(std::move(element));
  }
  if (!index.where) return out;
  TRY(auto where, renamed(*index.where, places));
  out.where = std::move(where);
  return out;
}

base::Result<Fragment> create_index(const IndexDraft& index, const std::string& name,
                                    const sql::QualifiedName& table,
                                    const std::map<std::string, std::string>& places,
                                    bool concurrent, bool on_only) {
  const auto& op = index.definition;
  std::vector<Fragment> elements;
  for (std::size_t i = 0; i < op.columns.size(); ++i) {
    TRY(auto element, element_text(op.columns[i], index.expressions[i], places));
    elements.push_back(std::move(element));
  }
  auto out = format("CREATE {}INDEX {}{} ON {}{} USING {} ({}){}{}{}",
                    Fragment::trusted(op.unique ? "UNIQUE " : ""),
                    Fragment::trusted(concurrent ? "CONCURRENTLY " : ""), Identifier::trusted(name),
                    Fragment::trusted(on_only ? "ONLY " : ""), table,
                    Identifier::trusted(op.method.empty() ? "btree" : op.method),
                    sql::join(elements), included(op, places),
                    Fragment::trusted(op.nulls_not_distinct ? " NULLS NOT DISTINCT" : ""),
                    storage_options(op));
  if (!index.where) return out;
  TRY(const auto where, renamed(*index.where, places));
  return format("{} WHERE {}", out, where);
}

std::vector<IndexPart> index_parts(const catalog::Catalog& catalog, const catalog::Table& table,
                                   const std::string& index) {
  std::vector<IndexPart> out;
  collect_parts(catalog, table, index, index, out);
  return out;
}

base::Result<void> emit_build(const catalog::Catalog& catalog, const Prepared& prepared,
                              const IndexBuild& build, Steps& steps) {
  if (!prepared.partitioned()) {
    return build_plain(build, prepared.table->relation(), build.id, build.name, false, steps);
  }
  const auto parts = index_parts(catalog, *prepared.table->start, build.name);
  TRY_OK(build_shell(prepared, build, parts, steps));
  undo_loose_parts(parts, steps.back());
  for (const auto& part : parts) {
    if (!part.leaf) continue;
    TRY_OK(
        build_plain(build, part.table, build.id + "-" + part.table.name, part.name, true, steps));
  }
  if (!parts.empty()) attach_parts(prepared, build, parts, steps);
  return base::ok();
}

}  // namespace lockkeeper::plan
