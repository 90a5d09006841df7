#include "dbcore/plan/findings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "dbcore/plan/contract.h"
#include "dbcore/sql/parse.h"

namespace lockkeeper::plan {
namespace {

bool holds(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

class Finder {
 public:
  Finder(Draft& draft, const Prepared& prepared)
      : draft_(&draft),
        prepared_(&prepared),
        name_(prepared.table->display()),
        expand_("expand-" + name_),
        contract_("contract-" + name_) {}

  void run() {
    for (const auto& column : prepared_->table->columns) {
      dropped(column);
      retyped(column);
      nullable(column);
      formulas(column);
      triggers_on(column);
    }
    new_columns();
    unique_indexes();
    user_triggers();
    statistics();
    rewrite();
  }

 private:
  [[nodiscard]] const catalog::Table& table() const { return *prepared_->table->start; }

  void dropped(const ColumnDraft& column) {
    if (!column.dropped) return;
    std::vector<std::string> with;
    for (const auto& index : table().indexes) {
      if (holds(index.reads, column.start->name)) with.push_back("index " + index.name);
    }
    for (const auto& constraint : table().constraints) {
      if (holds(constraint.columns, column.start->name) && constraint.index.empty()) {
        with.push_back("constraint " + constraint.name);
      }
    }
    draft_->hazard("DropsColumn", contract_,
                   fmt::format("the content of {}.{} is lost{}{}", name_, column.start->name,
                               with.empty() ? "" : ", and with it ", fmt::join(with, ", ")));
  }

  void retyped(const ColumnDraft& column) {
    if (!column.retyped && !column.native) return;
    if (column.name == column.start->name) {
      draft_->notice(
          "CachedPlan", contract_,
          fmt::format("clients that prepared a statement which returns {}.{} see \"cached "
                      "plan must not change result type\" (0A000) once; `to` avoids it",
                      name_, column.name));
    }
    if (column.native || column.plain_cast) return;
    if (!column.start->default_expression.empty() && !converts_default(column)) {
      draft_->notice("DefaultIsCast", contract_,
                     fmt::format("the default of {}.{} becomes its cast to {}, not what `up` says",
                                 name_, column.name, column.type));
    }
    if (column.visible) {
      draft_->notice("LossyContract", contract_,
                     fmt::format("what {}.{} holds and {} cannot express is lost", name_,
                                 column.start->name, column.name));
    } else {
      draft_->hazard(
          "LossyContract", contract_,
          fmt::format("the old content of {}.{} ({}) is lost; there is no way back from {}", name_,
                      column.name, column.start->type, column.type));
    }
  }

  void nullable(const ColumnDraft& column) {
    if (!column.not_null || column.added()) return;
    if (column.fill) {
      draft_->notice(
          "FillsNull", expand_,
          fmt::format("a NULL that either version writes into {}.{} becomes what `up` says", name_,
                      column.name));
    } else if (!column.start->not_null) {
      draft_->notice("MayFail", "constrain-" + name_,
                     fmt::format("rows that hold NULL in {}.{} block the Migration until they are "
                                 "mended; from this step on neither version can write NULL",
                                 name_, column.name));
    }
  }

  void formulas(const ColumnDraft& column) {
    for (const auto* formula : {&column.up, &column.down, &column.fill}) {
      if (!*formula || !(*formula)->stable) continue;
      draft_->notice("StableExpression", expand_,
                     fmt::format("{} depends on settings of the session that writes, such as the "
                                 "time zone",
                                 (*formula)->path));
    }
    if (column.down && !column.down->plain && !column.down->constant) {
      draft_->notice(
          "DownMayFail", expand_,
          fmt::format("a value of {}.{} that `down` cannot convert is refused to the new "
                      "version's client",
                      name_, column.name));
    }
    refused_writes(column);
    if (column.computed() && column.default_value) {
      draft_->notice(
          "DefaultAtContract", contract_,
          fmt::format("until contract rows that leave {}.{} out get `up`, then the default", name_,
                      column.name));
    }
  }

  void refused_writes(const ColumnDraft& column) {
    const auto& formula = column.fill ? column.fill : column.up;
    if (!column.not_null || column.dropped || !formula) return;
    if (formula->plain || formula->constant) return;
    draft_->notice("RefusedWrites", "constrain-" + name_,
                   fmt::format("from this step on the old version's write is refused (23514) where "
                               "`up` gives no value for {}.{}; rows of before block the backfill",
                               name_, column.name));
  }

  void triggers_on(const ColumnDraft& column) {
    if (column.added() || !(column.shadowed() && (column.renamed() || column.visible))) return;
    for (const auto& trigger : table().triggers) {
      if (!holds(trigger.update_of, column.start->name)) continue;
      draft_->notice("SilentTrigger", expand_,
                     fmt::format("trigger {} fires on UPDATE OF {} and stays silent when the new "
                                 "version writes {}",
                                 trigger.name, column.start->name, column.name));
    }
  }

  void new_columns() {
    if (prepared_->added_columns().empty()) return;
    draft_->notice("NewColumns", expand_,
                   fmt::format("COPY {} FROM without a column list fails from here on, and clients "
                               "that prepared SELECT * or RETURNING * see 0A000 once",
                               name_));
    if (table().publications.empty()) return;
    draft_->hazard(
        "Published", expand_,
        fmt::format("publications {} publish {}: add the columns on the subscribers first",
                    fmt::join(table().publications, ", "), name_));
    const bool identified = table().replica_identity == 'f' || table().replica_identity == 'i' ||
                            (table().replica_identity == 'd' && has_primary_key());
    if (prepared_->table->marked() && !identified) {
      draft_->hazard("NoReplicaIdentity", "backfill-" + name_,
                     fmt::format("{} is published and has no replica identity: updates of its rows "
                                 "are refused",
                                 name_));
    }
  }

  [[nodiscard]] bool has_primary_key() const {
    return std::any_of(table().indexes.begin(), table().indexes.end(),
                       [](const catalog::Index& index) { return index.primary; });
  }

  void unique_indexes() {
    for (const auto& index : prepared_->table->indexes) {
      if (!index.definition.unique) continue;
      draft_->notice(
          "MayFail", "index-" + index.definition.name,
          fmt::format("duplicate keys block the Migration until they are mended; from this "
                      "step on neither version can write one"));
    }
  }

  void user_triggers() {
    if (!prepared_->table->marked()) return;
    for (const auto& trigger : table().triggers) {
      if (!trigger.row || !trigger.on_update || trigger.enabled == 'D') continue;
      draft_->notice(
          "UserTrigger", "backfill-" + name_,
          fmt::format("trigger {} ({}) fires for every row that the backfill fills{}", trigger.name,
                      trigger.function,
                      trigger.before ? ", before the router, which takes what it changes "
                                       "for the client's own write"
                                     : ""));
    }
    draft_->notice("RepeatableRead", "backfill-" + name_,
                   "REPEATABLE READ clients see 40001 on rows that the backfill has touched");
    if (prepared_->key.empty()) {
      draft_->notice(
          "NoKey", "backfill-" + name_,
          fmt::format("{} has no unique NOT NULL key: rows are visited by block", name_));
    }
  }

  void statistics() {
    for (const auto& one : table().statistics) {
      const bool replaced = std::any_of(
          prepared_->table->columns.begin(), prepared_->table->columns.end(),
          [&](const ColumnDraft& c) { return c.retyped && holds(one.columns, c.start->name); });
      if (!replaced) continue;
      draft_->notice("EmptyStatistics", contract_,
                     fmt::format("statistics {} are made again and hold nothing until the next "
                                 "ANALYZE of {}",
                                 one.name.display(), name_));
    }
  }

  void rewrite() {
    for (const auto& column : prepared_->table->columns) {
      if (!column.generated) continue;
      draft_->hazard(
          "RewritesTable", expand_,
          fmt::format("adding {}.{} writes the whole table again under an exclusive lock", name_,
                      column.name));
    }
  }

  Draft* draft_;
  const Prepared* prepared_;
  std::string name_;
  std::string expand_;
  std::string contract_;
};

void sql_steps(Draft& draft, const Steps& steps) {
  for (const auto& step : steps) {
    if (step.irreversible) {
      draft.hazard("Irreversible", step.id, "the operation says that it cannot be undone");
    }
    if (step.id.rfind("sql-", 0) == 0 && step.duration == DurationClass::rewrite) {
      draft.hazard("MayBlock", step.id,
                   "how long the statements hold their locks, and what they lose, is not known");
    }
  }
}

// A group's contract has the name of its first table.
void aim_at_steps(Draft& draft, const Steps& steps) {
  for (auto& finding : draft.findings) {
    const bool known = std::any_of(steps.begin(), steps.end(),
                                   [&](const Step& step) { return step.id == finding.step; });
    if (!known) finding.step.clear();
  }
}

// Names of the tables of that schema which the statements name; none when they cannot be judged.
std::vector<std::string> names_in(const std::string& text, const std::string& own_schema) {
  std::vector<std::string> out;
  const auto parsed = sql::parse::statements(text);
  if (!parsed.ok()) return out;
  for (const auto& statement : *parsed) {
    for (const auto& [schema, name] : statement.relations) {
      if (schema.empty() || schema == own_schema) out.push_back(name);
    }
  }
  return out;
}

}  // namespace

void find_all(Draft& draft, const std::vector<Prepared>& prepared, const Steps& steps) {
  for (const auto& one : prepared) Finder(draft, one).run();
  sql_steps(draft, steps);
  aim_at_steps(draft, steps);
}

std::vector<Relation> tables_named(const catalog::Catalog& catalog, const Sql& op) {
  std::vector<Relation> out;
  const auto add = [&](const std::string& name) {
    if (const auto* table = catalog.table(name); table != nullptr) {
      out.push_back({table->oid, table->name.schema.raw(), table->name.name.raw(), false});
    }
  };
  if (op.backfill) add(op.backfill->table);
  for (const auto* list : {&op.expand, &op.contract, &op.rollback}) {
    for (const auto& text : *list) {
      for (const auto& name : names_in(text, catalog.schema.raw())) add(name);
    }
  }
  return out;
}

}  // namespace lockkeeper::plan
