#include <fmt/format.h>

#include "dbcore/sql/identifier.h"
#include "dbcore/sql/parse.h"
#include "dbcore/sql/parse_rename.h"

namespace lockkeeper::sql::parse {
namespace {

using detail::NameMap;
using detail::Renamer;
using detail::Scan;
using detail::Tree;

base::Error cannot_retarget(std::string_view why) {
  return base::invalid(fmt::format("definition cannot be re-targeted: {}", why))
      .with_reason("CannotJudge");
}

base::Result<void> unless(bool wrong, std::string_view why) {
  if (wrong) return cannot_retarget(why);
  return {};
}

std::string quoted(std::string_view name) {
  return Identifier::trusted(name).quoted();
}

// Reads a definition from its first token on and changes tree and text side by side. What it does
// to the text is proved in the end against the tree.
class Retargeter {
 public:
  Retargeter(const Scan& scan, const Retarget& change)
      : scan_(&scan), change_(&change), renamer_(scan, 0) {}

  base::Result<void> index(PgQuery__IndexStmt& statement) {
    TRY_OK(unless(change_->not_valid, "an index has no NOT VALID"));
    TRY_OK(index_head(statement));
    relation(*statement.relation);
    seek("(");
    TRY_OK(elements(statement.index_params, statement.n_index_params));
    if (statement.n_index_including_params > 0) {
      seek("(");
      TRY_OK(elements(statement.index_including_params, statement.n_index_including_params));
    }
    return references(statement.where_clause);
  }

  base::Result<void> constraint(PgQuery__AlterTableStmt& statement) {
    TRY_OK(unless(statement.n_cmds != 1 || change_->concurrently,
                  "one ADD CONSTRAINT is expected, which has no CONCURRENTLY"));
    const PgQuery__AlterTableCmd& command = *statement.cmds[0]->alter_table_cmd;
    TRY_OK(unless(command.subtype != PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint,
                  "it adds no constraint"));
    next_ += 2;  // ALTER TABLE
    if (scan_->is(next_, "if")) next_ += 2;
    if (scan_->is(next_, "only")) ++next_;
    relation(*statement.relation);
    seek("add");
    PgQuery__Constraint& added = *command.def->constraint;
    constraint_name(added);
    TRY_OK(constraint_body(added));
    return validity(added);
  }

  [[nodiscard]] std::string text() { return detail::print(*scan_, renamer_.take_edits()); }

 private:
  // To the token after the next one that is this word.
  void seek(std::string_view word) {
    while (next_ < scan_->tokens.size() && !scan_->is(next_, word)) ++next_;
    ++next_;
  }

  void insert_after(std::size_t token, std::string_view text) {
    const std::size_t end = scan_->tokens[token].end;
    renamer_.add({end, end, fmt::format(" {}", text)});
  }

  base::Result<void> index_head(PgQuery__IndexStmt& statement) {
    seek("index");
    const std::size_t keyword = next_ - 1;
    if (statement.concurrent != 0) {
      ++next_;
    } else if (change_->concurrently) {
      insert_after(keyword, "CONCURRENTLY");
      statement.concurrent = 1;
    }
    TRY_OK(unless(statement.if_not_exists != 0 || *statement.idxname == '\0',
                  "an index with a name and without IF NOT EXISTS is expected"));
    if (!change_->name.empty()) renamer_.replace(statement.idxname, next_, change_->name);
    next_ += 2;  // the name, ON
    if (scan_->is(next_, "only")) ++next_;
    return {};
  }

  // At the first token of the relation's name; leaves behind it.
  void relation(PgQuery__RangeVar& range) {
    const std::size_t first = next_++;
    while (scan_->is(next_, ".")) next_ += 2;
    if (!change_->table) return;
    detail::set_string(range.schemaname, change_->table->schema.raw());
    detail::set_string(range.relname, change_->table->name.raw());
    renamer_.add(
        {scan_->tokens[first].start, scan_->tokens[next_ - 1].end, change_->table->quoted()});
  }

  void constraint_name(PgQuery__Constraint& added) {
    const bool named = scan_->is(next_, "constraint");
    if (!change_->name.empty() && named) {
      renamer_.replace(added.conname, next_ + 1, change_->name);
    } else if (!change_->name.empty()) {
      insert_after(next_ - 1, "CONSTRAINT " + quoted(change_->name));
      detail::set_string(added.conname, change_->name);
    }
    if (named) next_ += 2;
  }

  base::Result<void> constraint_body(PgQuery__Constraint& added) {
    switch (added.contype) {
      case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK: return references(added.raw_expr);
      case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
      case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE: return key_constraint(added);
      case PG_QUERY__CONSTR_TYPE__CONSTR_EXCLUSION: return exclusion(added);
      case PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN: return foreign_key(added);
      default: return cannot_retarget("it is a constraint of an unknown kind");
    }
  }

  base::Result<void> key_constraint(PgQuery__Constraint& added) {
    if (added.n_keys == 0) return {};  // USING INDEX
    seek("(");
    TRY_OK(names(added.keys, added.n_keys, change_->columns));
    if (added.n_including == 0) return {};
    seek("(");
    return names(added.including, added.n_including, change_->columns);
  }

  base::Result<void> exclusion(PgQuery__Constraint& added) {
    std::vector<PgQuery__Node*> parts;
    for (std::size_t i = 0; i < added.n_exclusions; ++i) {
      const PgQuery__Node& pair = *added.exclusions[i];  // an element and its operator
      TRY_OK(unless(pair.node_case != PG_QUERY__NODE__NODE_LIST || pair.list->n_items != 2,
                    "an exclusion of an unknown form"));
      parts.push_back(pair.list->items[0]);
    }
    seek("(");
    TRY_OK(elements(parts.data(), parts.size()));
    if (added.n_including > 0) {
      seek("(");
      TRY_OK(names(added.including, added.n_including, change_->columns));
    }
    return references(added.where_clause);
  }

  base::Result<void> foreign_key(PgQuery__Constraint& added) {
    seek("(");
    TRY_OK(names(added.fk_attrs, added.n_fk_attrs, change_->columns));
    if (added.n_pk_attrs > 0) {
      seek("(");
      TRY_OK(names(added.pk_attrs, added.n_pk_attrs, change_->referenced_columns));
    }
    if (added.n_fk_del_set_cols == 0) return {};
    seek("(");  // ON DELETE SET NULL (..)
    return names(added.fk_del_set_cols, added.n_fk_del_set_cols, change_->columns);
  }

  base::Result<void> validity(PgQuery__Constraint& added) {
    if (!change_->not_valid || added.skip_validation != 0) return {};
    TRY_OK(unless(added.contype != PG_QUERY__CONSTR_TYPE__CONSTR_CHECK &&
                      added.contype != PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN,
                  "only a check or a foreign key can be NOT VALID"));
    insert_after(scan_->tokens.size() - 1, "NOT VALID");
    added.skip_validation = 1;
    added.initially_valid = 0;
    return {};
  }

  // The first tokens of the items of the list that was opened before next_; leaves behind it.
  std::vector<std::size_t> items() {
    std::vector<std::size_t> starts{next_};
    const std::size_t end = scan_->after_bracket(next_ - 1);
    while (next_ < end) {
      const bool bracket = scan_->is(next_, "(") || scan_->is(next_, "[");
      if (scan_->is(next_, ",")) starts.push_back(next_ + 1);
      next_ = bracket ? scan_->after_bracket(next_) : next_ + 1;
    }
    return starts;
  }

  base::Result<void> names(PgQuery__Node** nodes, std::size_t count, const NameMap& map) {
    const auto starts = items();
    TRY_OK(unless(starts.size() != count, "its column list is not understood"));
    for (std::size_t i = 0; i < count; ++i) {
      const auto found = map.find(std::string(detail::string_of(nodes[i])));
      if (found != map.end()) {
        renamer_.replace(nodes[i]->string->sval, starts[i], found->second);
      }
    }
    return {};
  }

  base::Result<void> elements(PgQuery__Node** nodes, std::size_t count) {
    const auto starts = items();
    TRY_OK(unless(starts.size() != count, "its list of columns and expressions is not understood"));
    for (std::size_t i = 0; i < count; ++i) {
      TRY_OK(unless(nodes[i]->node_case != PG_QUERY__NODE__NODE_INDEX_ELEM,
                    "an element of an unknown form"));
      PgQuery__IndexElem& element = *nodes[i]->index_elem;
      TRY_OK(references(element.expr));
      const auto found = change_->columns.find(element.name);
      if (*element.name != '\0' && found != change_->columns.end()) {
        renamer_.replace(element.name, starts[i], found->second);
      }
    }
    return {};
  }

  base::Result<void> references(PgQuery__Node* expression) {
    if (expression == nullptr) return {};
    return unless(!renamer_.rename(*expression, change_->columns),
                  "it refers to a whole row or to a qualified column");
  }

  const Scan* scan_;
  const Retarget* change_;
  Renamer renamer_;
  std::size_t next_ = 0;
};

base::Result<Fragment> apply(Tree& tree, const Scan& scan, const Retarget& change) {
  PgQuery__Node* statement = tree.only_statement();
  if (statement == nullptr || scan.is(scan.tokens.size() - 1, ";")) {
    return cannot_retarget("one statement is expected");
  }
  Retargeter retargeter(scan, change);
  if (statement->node_case == PG_QUERY__NODE__NODE_INDEX_STMT) {
    TRY_OK(retargeter.index(*statement->index_stmt));
  } else if (statement->node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_STMT) {
    TRY_OK(retargeter.constraint(*statement->alter_table_stmt));
  } else {
    return cannot_retarget("it is neither an index nor a constraint");
  }
  std::string text = retargeter.text();
  if (!detail::spells(text, tree)) return detail::cannot_spell(text);
  return Fragment::trusted(text);
}

}  // namespace

base::Result<Fragment> retarget(std::string_view definition, const Retarget& change) {
  return detail::with_tree<Fragment>(
      "", definition, "", [&](Tree& tree, const Scan& scan) { return apply(tree, scan, change); });
}

}  // namespace lockkeeper::sql::parse
