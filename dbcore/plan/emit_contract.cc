#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "dbcore/plan/checks.h"
#include "dbcore/plan/contract.h"
#include "dbcore/plan/emit.h"

namespace lockkeeper::plan {
namespace {

using sql::format;
using sql::Fragment;
using sql::Identifier;
using sql::Literal;

using Group = std::vector<const Prepared*>;

bool has_contract(const Prepared& prepared) {
  if (prepared.table->marked() || prepared.table->routed()) return true;
  return std::any_of(prepared.table->columns.begin(), prepared.table->columns.end(),
                     [](const ColumnDraft& c) { return c.dropped || c.native; });
}

bool share_a_view(const Prepared& a, const Prepared& b) {
  return std::any_of(a.views.begin(), a.views.end(), [&](const catalog::View* view) {
    return std::find(b.views.begin(), b.views.end(), view) != b.views.end();
  });
}

std::vector<Group> groups(const std::vector<Prepared>& prepared) {
  std::vector<Group> out;
  for (const auto& one : prepared) {
    if (!has_contract(one)) continue;
    Group joined = {&one};
    std::vector<Group> rest;
    for (auto& group : out) {
      const bool tied = std::any_of(group.begin(), group.end(),
                                    [&](const Prepared* p) { return share_a_view(*p, one); });
      if (tied) {
        joined.insert(joined.begin(), group.begin(), group.end());
      } else {
        rest.push_back(std::move(group));
      }
    }
    rest.push_back(std::move(joined));
    out = std::move(rest);
  }
  return out;
}

// Each once, innermost first as the catalog has them.
std::vector<const catalog::View*> views(const Draft& draft, const Group& group) {
  std::vector<const catalog::View*> out;
  for (const auto& view : draft.start().views) {
    const bool taken = std::any_of(group.begin(), group.end(), [&](const Prepared* p) {
      return std::find(p->views.begin(), p->views.end(), &view) != p->views.end();
    });
    if (taken) out.push_back(&view);
  }
  return out;
}

// Tables whose foreign keys to them go or change sides, too: dropping one locks both.
std::vector<Relation> locked(const Group& group) {
  std::map<std::uint32_t, Relation> out;
  for (const auto* one : group) {
    const auto own = one->table->relation();
    out[own.oid] = own;
    for (const auto* constraint : foreign_keys_that_go(*one)) {
      if (!constraint->referenced_name || constraint->referenced_table == own.oid) continue;
      out[constraint->referenced_table] = {constraint->referenced_table,
                                           constraint->referenced_name->schema.raw(),
                                           constraint->referenced_name->name.raw(), false};
    }
  }
  std::vector<Relation> list;
  list.reserve(out.size());
  for (auto& [oid, relation] : out) list.push_back(std::move(relation));
  return list;
}

Fragment lock_tables(const std::vector<Relation>& tables) {
  std::vector<Fragment> names;
  names.reserve(tables.size());
  for (const auto& table : tables) names.push_back(format("{}", table.qualified()));
  return format("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", sql::join(names));
}

void drop_views(const std::vector<const catalog::View*>& list, std::vector<Fragment>& out) {
  for (auto view = list.rbegin(); view != list.rend(); ++view) {
    out.push_back(format("DROP VIEW {}", (*view)->name));
  }
}

Fragment view_options(const catalog::View& view) {
  std::vector<Fragment> out;
  for (const auto& text : view.options) {
    const auto equals = text.find('=');
    out.push_back(format("{} = {}", Identifier::trusted(text.substr(0, equals)),
                         Literal{text.substr(equals + 1)}));
  }
  return out.empty() ? Fragment() : format(" WITH ({})", sql::join(out));
}

Fragment view_query(const catalog::View& view) {
  auto text = view.definition;
  while (!text.empty() && (text.back() == ';' || text.back() == '\n')) text.pop_back();
  return Fragment::trusted(text);
}

void make_view(const catalog::View& view, std::vector<Fragment>& out) {
  std::vector<Identifier> columns;
  for (const auto& name : view.columns) columns.push_back(Identifier::trusted(name));
  out.push_back(format("CREATE VIEW {} ({}){} AS {}", view.name, sql::join(columns),
                       view_options(view), view_query(view)));
  if (!view.owner.empty()) {
    out.push_back(format("ALTER VIEW {} OWNER TO {}", view.name, Identifier::trusted(view.owner)));
  }
  for (const auto& [column, value] : view.defaults) {
    out.push_back(format("ALTER VIEW {} ALTER COLUMN {} SET DEFAULT {}", view.name,
                         column_name(column), Fragment::trusted(value)));
  }
  for (const auto& definition : view.triggers) out.push_back(Fragment::trusted(definition));
  for (auto& grant : grants(view.acl, view.name, {})) out.push_back(std::move(grant));
  if (!view.comment.empty()) {
    out.push_back(format("COMMENT ON VIEW {} IS {}", view.name, Literal{view.comment}));
  }
}

// Of the physical columns that one column used, those that contract takes away.
void add_gone(const ColumnDraft& column, std::vector<std::string>& gone) {
  if (column.shadowed() && column.retyped && !column.visible) gone.push_back(column.shadow);
  if (column.dropped || column.renamed()) gone.push_back(column.start->name);
}

std::vector<Fragment> finished(const Prepared& prepared) {
  const auto table = prepared.name();
  std::vector<Fragment> out;
  std::vector<std::string> gone = prepared.passing_columns();
  std::vector<std::string> there;
  for (const auto& column : prepared.table->columns) {
    add_gone(column, gone);
    if (column.dropped) continue;
    if (column.retyped || column.native) {
      out.push_back(checks::column_is(table, column.name, column.type));
    } else if (column.renamed()) {
      there.push_back(column.name);
    }
  }
  // A shadow of a rename has the name that stays.
  std::erase_if(gone, [&](const std::string& name) {
    return std::find(there.begin(), there.end(), name) != there.end();
  });
  if (!gone.empty()) out.push_back(checks::lacks_columns(table, gone));
  if (!there.empty()) out.push_back(checks::has_columns(table, there));
  if (prepared.table->routed()) {
    out.push_back(checks::lacks_trigger(table, prepared.table->trigger));
  }
  return out;
}

std::string summary(const Group& group) {
  std::vector<std::string> names;
  for (const auto* one : group) names.push_back(one->table->display());
  return fmt::format("leave {} in the new shape only", fmt::join(names, ", "));
}

bool breaks_old(const Group& group) {
  return std::any_of(group.begin(), group.end(), [](const Prepared* one) {
    return one->table->routed() ||
           std::any_of(one->table->columns.begin(), one->table->columns.end(),
                       [](const ColumnDraft& c) { return c.dropped; });
  });
}

base::Result<void> emit_group(const Draft& draft, const Group& group, Steps& steps) {
  const auto tables = locked(group);
  const auto made_again = views(draft, group);
  std::vector<Fragment> statements;
  // Views before tables: clients lock them in this order.
  drop_views(made_again, statements);
  statements.push_back(lock_tables(tables));
  for (const auto* one : group) drop_router(*one, statements);
  for (const auto* one : group) TRY_OK(swap_columns(draft, *one, statements));
  for (const auto* view : made_again) make_view(*view, statements);
  Step step;
  step.id = "contract-" + group.front()->table->display();
  step.stage = Stage::contract;
  step.summary = summary(group);
  std::vector<Fragment> questions;
  for (const auto* one : group) {
    step.operations.insert(step.operations.end(), one->table->operations.begin(),
                           one->table->operations.end());
    for (auto& question : finished(*one)) questions.push_back(std::move(question));
  }
  std::sort(step.operations.begin(), step.operations.end());
  step.action = transaction(statements, tables, LockMode::access_exclusive);
  step.postcheck = checks::all_of(questions);
  step.breaks_old_version = breaks_old(group);
  steps.push_back(std::move(step));
  return base::ok();
}

}  // namespace

base::Result<void> emit_contract(const Draft& draft, const std::vector<Prepared>& prepared,
                                 Steps& steps) {
  for (const auto& group : groups(prepared)) TRY_OK(emit_group(draft, group, steps));
  return base::ok();
}

}  // namespace lockkeeper::plan
