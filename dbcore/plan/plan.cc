#include "dbcore/plan/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "dbcore/catalog/fingerprint.h"
#include "dbcore/plan/canonical.h"
#include "dbcore/plan/emit.h"
#include "dbcore/plan/findings.h"
#include "dbcore/plan/hash.h"
#include "dbcore/plan/operations/add_column.h"
#include "dbcore/plan/operations/change_type.h"
#include "dbcore/plan/operations/create_index.h"
#include "dbcore/plan/operations/drop_column.h"
#include "dbcore/plan/operations/rename_column.h"
#include "dbcore/plan/operations/set_not_null.h"
#include "dbcore/plan/operations/sql_statements.h"
#include "dbcore/plan/probes.h"

namespace lockkeeper::plan {
namespace {

template <typename... Op>
constexpr bool all_plannable(const std::variant<Op...>* /*kind*/) {
  return (Plannable<Op> && ...);
}
static_assert(all_plannable(static_cast<const Operation*>(nullptr)));

base::Result<void> read_all(const std::vector<Operation>& operations,
                            const catalog::Catalog& catalog, Draft& draft) {
  auto now = catalog;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const Position at{i, fmt::format("spec.operations[{}].{}", i, kind(operations[i]))};
    TRY_OK(std::visit([&](const auto& op) { return plan(op, at, now, draft); }, operations[i]));
    TRY(now, std::visit([&](const auto& op) { return apply(op, now); }, operations[i]));
  }
  return base::ok();
}

base::Result<void> marker_serves_one(const TableDraft& table) {
  if (!table.marked_backfill) return base::ok();
  auto other = table;
  other.marked_backfill.reset();
  if (!other.marked()) return base::ok();
  return refuse("spec.operations",
                fmt::format("rows of {} are filled by a sql operation without `where`, and by "
                            "another operation",
                            table.display()),
                "give the sql operation's backfill a `where` that its assignments make false");
}

base::Result<std::vector<Prepared>> prepare_all(Draft& draft) {
  std::vector<Prepared> out;
  for (auto& table : draft.tables) {
    TRY_OK(marker_serves_one(table));
    TRY(auto prepared, prepare(draft, table));
    TRY_OK(probe_new_shape(draft, prepared));
    probe_views(draft, prepared);
    probe_children(draft, prepared);
    out.push_back(std::move(prepared));
  }
  return out;
}

base::Result<Steps> emit_all(Draft& draft, const std::vector<Prepared>& prepared) {
  Steps steps;
  for (const auto& table : prepared) {
    TRY_OK(emit_expand(draft, table, steps));
    TRY_OK(emit_backfill(table, steps));
    TRY_OK(emit_indexes(draft, table, steps));
    TRY_OK(emit_validate(table, steps));
    TRY_OK(emit_verify(table, steps));
  }
  TRY_OK(emit_contract(draft, prepared, steps));
  for (const auto& statements : draft.statements) TRY_OK(emit_sql(draft, statements, steps));
  return steps;
}

std::size_t first_operation(const Step& step) {
  return step.operations.empty() ? 0 : step.operations.front();
}

void put_in_order(Steps& steps) {
  std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) {
    if (a.stage != b.stage) return a.stage < b.stage;
    // Within a table's stage the order is that of the emitter.
    return (a.stage == Stage::expand || a.stage == Stage::contract) &&
           first_operation(a) < first_operation(b);
  });
}

void make_ids_unique(Steps& steps) {
  std::set<std::string> seen;
  for (auto& step : steps) {
    const auto id = step.id;
    for (int n = 2; !seen.insert(step.id).second; ++n) step.id = fmt::format("{}-{}", id, n);
  }
}

std::vector<Relation> touched(const Draft& draft, const std::vector<Prepared>& prepared) {
  std::map<std::uint32_t, Relation> out;
  for (const auto& one : prepared) {
    out[one.table->start->oid] = one.table->relation();
    for (const auto& child : one.descendants) out[child.oid] = child;
  }
  for (const auto& statements : draft.statements) {
    for (const auto& table : tables_named(draft.start(), *statements.definition)) {
      out[table.oid] = table;
    }
  }
  std::vector<Relation> list;
  list.reserve(out.size());
  for (auto& [oid, relation] : out) list.push_back(std::move(relation));
  return list;
}

}  // namespace

std::string_view kind(const Operation& operation) {
  struct Word {
    std::string_view operator()(const AddColumn& /*op*/) const { return "addColumn"; }
    std::string_view operator()(const DropColumn& /*op*/) const { return "dropColumn"; }
    std::string_view operator()(const RenameColumn& /*op*/) const { return "renameColumn"; }
    std::string_view operator()(const ChangeType& /*op*/) const { return "changeType"; }
    std::string_view operator()(const SetNotNull& /*op*/) const { return "setNotNull"; }
    std::string_view operator()(const CreateIndex& /*op*/) const { return "createIndex"; }
    std::string_view operator()(const Sql& /*op*/) const { return "sql"; }
  };
  return std::visit(Word{}, operation);
}

bool Plan::has_hazard() const {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& f) { return f.severity == Severity::hazard; });
}

bool Plan::breaks_old_version() const {
  return std::any_of(steps.begin(), steps.end(),
                     [](const Step& step) { return step.breaks_old_version; });
}

base::Result<Plan> make(const std::vector<Operation>& operations, const catalog::Catalog& catalog,
                        const Options& options) {
  if (!catalog.schema_exists) {
    return refuse("spec.target.schema",
                  fmt::format("schema \"{}\" does not exist", catalog.schema.raw()),
                  "create it, or name another");
  }
  Draft draft(catalog, options);
  TRY_OK(read_all(operations, catalog, draft));
  TRY(const auto prepared, prepare_all(draft));
  Plan out;
  out.schema = catalog.schema.raw();
  TRY(out.steps, emit_all(draft, prepared));
  put_in_order(out.steps);
  make_ids_unique(out.steps);
  find_all(draft, prepared, out.steps);
  out.findings = std::move(draft.findings);
  out.tables = touched(draft, prepared);
  out.facts = catalog::facts(catalog);
  out.fingerprint = catalog::fingerprint(out.facts);
  out.hash = sha256(canonical(out));
  out.probes = std::move(draft.probes);
  return out;
}

}  // namespace lockkeeper::plan
