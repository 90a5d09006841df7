#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dbcore/plan/codec.h"
#include "dbcore/plan/enums.h"

namespace lockkeeper::plan {
namespace {

void append_indented(std::string& out, std::string_view text, std::string_view indent) {
  std::size_t start = 0;
  while (start <= text.size()) {
    const auto end = std::min(text.find('\n', start), text.size());
    out += fmt::format("{}{}\n", indent, text.substr(start, end - start));
    start = end + 1;
  }
}

void append_statements(std::string& out, const std::vector<std::string>& statements) {
  for (const auto& statement : statements) append_indented(out, statement + ";", "      ");
}

std::string_view manner(ActionKind kind) {
  switch (kind) {
    case ActionKind::transaction: return "in one transaction";
    case ActionKind::concurrently: return "outside a transaction";
    case ActionKind::validate: return "one transaction each";
  }
  return "";
}

void append_action(std::string& out, const Action& action, std::string_view label) {
  out += fmt::format("    {}{}, lock {}:\n", label, manner(action.kind), word_of(action.lock));
  append_statements(out, action.statements);
}

std::string display(const Relation& relation) {
  return relation.schema + "." + relation.name;
}

std::string display(const std::vector<Relation>& relations) {
  std::vector<std::string> names;
  names.reserve(relations.size());
  for (const auto& relation : relations) names.push_back(display(relation));
  return fmt::format("{}", fmt::join(names, ", "));
}

void append_pass(std::string& out, const Relation& table, const std::vector<Relation>& leaves,
                 const std::vector<std::string>& key) {
  out += fmt::format("    over {} by {}\n", display(table),
                     key.empty() ? "block ranges" : fmt::format("({})", fmt::join(key, ", ")));
  if (!leaves.empty()) out += fmt::format("    one by one: {}\n", display(leaves));
}

void append_backfill(std::string& out, const Backfill& backfill) {
  append_pass(out, backfill.table, backfill.leaves, backfill.key);
  out += fmt::format("    SET {}{}\n    WHERE {}\n", backfill.assignments,
                     backfill.routed ? " (the router fills the rest)" : "", backfill.pending);
}

void append_verify(std::string& out, const Verify& verify) {
  append_pass(out, verify.table, verify.leaves, verify.key);
  out += fmt::format("    no row may be wrong:    {}\n", verify.mismatch);
  if (!verify.pending.empty()) {
    out += fmt::format("    no row may be unfilled: {}\n", verify.pending);
  }
}

void append_findings(std::string& out, const Plan& plan, const std::string& step) {
  for (const auto& finding : plan.findings) {
    if (finding.step != step) continue;
    out += fmt::format("{}{} {}: {}\n", step.empty() ? "" : "    ", word_of(finding.severity),
                       finding.rule, finding.message);
  }
}

void append_marks(std::string& out, const Step& step) {
  if (step.irreversible) out += "    cannot be undone\n";
  if (step.breaks_old_version) out += "    the old version cannot live with it\n";
}

void append_step(std::string& out, const Plan& plan, const Step& step) {
  const auto lock = step.action ? step.action->lock : LockMode::none;
  out += fmt::format("  {} [{}; {}; lock {}] {}\n", step.id, word_of(step.stage),
                     word_of(step.duration), word_of(lock), step.summary);
  append_findings(out, plan, step.id);
  append_marks(out, step);
  if (step.action) append_action(out, *step.action, "");
  if (step.backfill) append_backfill(out, *step.backfill);
  if (step.verify) append_verify(out, *step.verify);
  for (const auto& action : step.undo) append_action(out, action, "undo ");
}

}  // namespace

std::string to_text(const Plan& plan) {
  std::string out = fmt::format("plan {} for schema {} ({} steps)\n", plan.hash.substr(0, 12),
                                plan.schema, plan.steps.size());
  append_findings(out, plan, "");
  for (const auto& step : plan.steps) append_step(out, plan, step);
  return out;
}

}  // namespace lockkeeper::plan
