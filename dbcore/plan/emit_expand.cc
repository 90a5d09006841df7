#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dbcore/plan/checks.h"
#include "dbcore/plan/emit.h"

namespace lockkeeper::plan {
namespace {

using sql::format;
using sql::Fragment;
using sql::Identifier;
using sql::Literal;

Fragment collate(const std::string& collation) {
  return collation.empty() ? Fragment() : format(" COLLATE {}", Fragment::trusted(collation));
}

// Its default can stand in ADD COLUMN: rows that are there get it without being touched.
bool native_default(const ColumnDraft& column) {
  return column.default_value && !column.default_value->is_volatile && !column.up;
}

Fragment added_clause(const ColumnDraft& column) {
  auto out = format("ADD COLUMN {} {}{}", column_name(column.name), Fragment::trusted(column.type),
                    collate(column.collation));
  if (native_default(column)) {
    out = format("{} DEFAULT {}", out, column.default_value->formula.text);
  }
  if (column.generated) {
    out = format("{} GENERATED ALWAYS AS ({}) STORED", out, column.generated->text);
  }
  const bool at_once = !column.definition->nullable && !column.not_null;
  return at_once ? format("{} NOT NULL", out) : out;
}

std::vector<Fragment> clauses(const Prepared& prepared) {
  std::vector<Fragment> out;
  for (const auto& column : prepared.table->columns) {
    if (column.added()) out.push_back(added_clause(column));
    if (column.shadowed()) {
      out.push_back(format("ADD COLUMN {} {}{}", column_name(column.shadow),
                           Fragment::trusted(column.type), collate(column.collation)));
    }
  }
  if (prepared.table->marked()) {
    out.push_back(format("ADD COLUMN {} smallint", Identifier::trusted(marker)));
  }
  return out;
}

sql::QualifiedName sequence_name(const Draft& draft, const ColumnDraft& column) {
  return {draft.start().schema, Identifier::trusted(column.sequence)};
}

void add_sequences(const Draft& draft, const Prepared& prepared, std::vector<Fragment>& out) {
  for (const auto& column : prepared.table->columns) {
    if (column.sequence.empty()) continue;
    const auto name = sequence_name(draft, column);
    out.push_back(format("CREATE SEQUENCE {} AS {}", name, Fragment::trusted(column.type)));
    // An identity column asks its writers for no right; its stand-in must not either.
    out.push_back(format("GRANT USAGE ON SEQUENCE {} TO PUBLIC", name));
  }
}

void add_details(const Prepared& prepared, std::vector<Fragment>& out) {
  const auto table = prepared.name();
  for (const auto& column : prepared.table->columns) {
    if (column.fills_by_default()) {
      out.push_back(format("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}", table,
                           column_name(column.name), default_text(column)));
    }
    if (column.added() && column.definition->comment) {
      out.push_back(format("COMMENT ON COLUMN {}.{} IS {}", table, column_name(column.name),
                           Literal{*column.definition->comment}));
    }
    if (column.shadowed()) {
      for (auto& statement :
           copy_attributes(table, *column.start, column.shadow, !column.retyped, column.retyped)) {
        out.push_back(std::move(statement));
      }
    }
  }
  if (prepared.table->marked_backfill) {
    // Rows of now have to be visited, rows to come do not.
    out.push_back(
        format("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT 0", table, Identifier::trusted(marker)));
  }
}

std::vector<sql::QualifiedName> triggered(const Prepared& prepared) {
  std::vector<sql::QualifiedName> out = {prepared.name()};
  for (const auto& child : prepared.descendants) out.push_back(child.qualified());
  return out;
}

void add_triggers(const Prepared& prepared, std::vector<Fragment>& out) {
  const auto trigger = Identifier::trusted(prepared.table->trigger);
  for (const auto& table : triggered(prepared)) {
    out.push_back(format(
        "CREATE TRIGGER {} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {}.{}()",
        trigger, table, Identifier::trusted(function_schema),
        Identifier::trusted(prepared.table->function)));
    out.push_back(format("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}", table, trigger));
  }
}

Action undo(const Draft& draft, const Prepared& prepared) {
  std::vector<Fragment> out;
  if (prepared.table->routed()) {
    for (const auto& table : triggered(prepared)) {
      out.push_back(format("DROP TRIGGER IF EXISTS {} ON {}",
                           Identifier::trusted(prepared.table->trigger), table));
    }
    out.push_back(format("DROP FUNCTION IF EXISTS {}.{}()", Identifier::trusted(function_schema),
                         Identifier::trusted(prepared.table->function)));
  }
  std::vector<Fragment> drops;
  for (const auto& column : prepared.added_columns()) {
    drops.push_back(format("DROP COLUMN IF EXISTS {}", column_name(column)));
  }
  if (!drops.empty()) {
    out.push_back(format("ALTER TABLE {} {}", prepared.name(), sql::join(drops)));
  }
  for (const auto& column : prepared.table->columns) {
    if (!column.sequence.empty()) {
      out.push_back(format("DROP SEQUENCE IF EXISTS {}", sequence_name(draft, column)));
    }
  }
  return transaction(out, {prepared.table->relation()}, LockMode::access_exclusive);
}

std::string summary(const Prepared& prepared) {
  std::vector<std::string> visible;
  for (const auto& column : prepared.table->columns) {
    if (column.added()) visible.push_back(column.name);
    if (column.shadowed()) {
      visible.push_back(column.visible || column.renamed()
                            ? column.shadow
                            : fmt::format("a second {} of type {}", column.name, column.type));
    }
  }
  std::string out =
      visible.empty() ? std::string("prepare") : fmt::format("add {} to", fmt::join(visible, ", "));
  out += " " + prepared.table->display();
  if (prepared.table->routed()) out += ", and the router that keeps both shapes alike";
  return out;
}

std::string postcheck(const Prepared& prepared) {
  std::vector<Fragment> out;
  const auto columns = prepared.added_columns();
  if (!columns.empty()) out.push_back(checks::has_columns(prepared.name(), columns));
  if (prepared.table->routed()) {
    for (const auto& table : triggered(prepared)) {
      out.push_back(checks::has_trigger(table, prepared.table->trigger));
    }
  }
  return checks::all_of(out);
}

bool rewrites(const Prepared& prepared, const catalog::Catalog& catalog) {
  for (const auto& column : prepared.table->columns) {
    if (!column.added()) continue;
    if (column.generated) return true;
    for (const auto& [text, type] : catalog.types) {
      if (type.name == column.type && type.constrained_domain) return true;
    }
  }
  return false;
}

}  // namespace

base::Result<void> emit_expand(const Draft& draft, const Prepared& prepared, Steps& steps) {
  const auto added = clauses(prepared);
  if (added.empty() && !prepared.table->routed()) return base::ok();
  std::vector<Fragment> statements;
  if (prepared.table->routed()) {
    TRY(auto function, router_function(*prepared.table, prepared.routing));
    statements.push_back(std::move(function));
  }
  add_sequences(draft, prepared, statements);
  if (!added.empty()) {
    statements.push_back(format("ALTER TABLE {} {}", prepared.name(), sql::join(added)));
  }
  add_details(prepared, statements);
  if (prepared.table->routed()) add_triggers(prepared, statements);
  Step step;
  step.id = "expand-" + prepared.table->display();
  step.stage = Stage::expand;
  step.summary = summary(prepared);
  step.operations = prepared.table->operations;
  step.action = transaction(statements, {prepared.table->relation()}, LockMode::access_exclusive);
  step.postcheck = postcheck(prepared);
  step.undo = {undo(draft, prepared)};
  if (rewrites(prepared, draft.start())) {
    step.duration = DurationClass::rewrite;
    step.statement_timeout_ms = 0;
  }
  steps.push_back(std::move(step));
  return base::ok();
}

base::Result<void> emit_backfill(const Prepared& prepared, Steps& steps) {
  if (!prepared.table->marked()) return base::ok();
  Step step;
  step.id = "backfill-" + prepared.table->display();
  step.stage = Stage::backfill;
  step.summary = "fill the rows of " + prepared.table->display();
  step.operations = prepared.table->operations;
  step.duration = DurationClass::batched;
  Backfill pass;
  pass.table = prepared.table->relation();
  pass.leaves = prepared.leaves;
  pass.key = prepared.key;
  const auto rows = pending(*prepared.table, prepared.routing);
  pass.pending = rows.text();
  pass.assignments = format("{} = 0", Identifier::trusted(marker)).text();
  if (prepared.table->marked_backfill) {
    pass.assignments = prepared.table->marked_backfill->set + ", " + pass.assignments;
    pass.routed = false;
  }
  pass.row_estimate = prepared.table->start->row_estimate;
  step.backfill = std::move(pass);
  step.postcheck =
      format("SELECT NOT EXISTS (SELECT FROM {} WHERE {})", prepared.name(), rows).text();
  steps.push_back(std::move(step));
  return base::ok();
}

base::Result<void> emit_verify(const Prepared& prepared, Steps& steps) {
  if (!prepared.table->marked() || prepared.table->marked_backfill) return base::ok();
  Step step;
  step.id = "verify-" + prepared.table->display();
  step.stage = Stage::verify;
  step.summary = "compare both shapes of every row of " + prepared.table->display();
  step.operations = prepared.table->operations;
  step.duration = DurationClass::scan;
  Verify pass;
  pass.table = prepared.table->relation();
  pass.leaves = prepared.leaves;
  pass.key = prepared.key;
  TRY(const auto wrong, mismatch(*prepared.table, prepared.routing));
  pass.mismatch = wrong.text();
  pass.pending = pending(*prepared.table, prepared.routing).text();
  step.verify = std::move(pass);
  steps.push_back(std::move(step));
  return base::ok();
}

}  // namespace lockkeeper::plan
