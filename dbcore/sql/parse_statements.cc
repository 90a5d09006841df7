#include <algorithm>
#include <array>

#include "dbcore/sql/parse.h"
#include "dbcore/sql/parse_relations.h"
#include "dbcore/sql/parse_tree.h"

namespace lockkeeper::sql::parse {
namespace {

using detail::Scan;
using detail::Tree;

StatementKind kind_of_drop(PgQuery__ObjectType type) {
  switch (type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_FOREIGN_TABLE: return StatementKind::drop_table;
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX: return StatementKind::drop_index;
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW: return StatementKind::drop_view;
    default: return StatementKind::other;
  }
}

StatementKind kind_of_table_as(const PgQuery__CreateTableAsStmt& statement) {
  return statement.objtype == PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW ? StatementKind::create_view
                                                                    : StatementKind::create_table;
}

struct Row {
  PgQuery__Node__NodeCase node;
  StatementKind kind;
};

constexpr std::array kinds{
    Row{PG_QUERY__NODE__NODE_INSERT_STMT, StatementKind::insert},
    Row{PG_QUERY__NODE__NODE_UPDATE_STMT, StatementKind::update},
    Row{PG_QUERY__NODE__NODE_DELETE_STMT, StatementKind::delete_},
    Row{PG_QUERY__NODE__NODE_MERGE_STMT, StatementKind::merge},
    Row{PG_QUERY__NODE__NODE_COPY_STMT, StatementKind::copy},
    Row{PG_QUERY__NODE__NODE_TRUNCATE_STMT, StatementKind::truncate},
    Row{PG_QUERY__NODE__NODE_CREATE_STMT, StatementKind::create_table},
    Row{PG_QUERY__NODE__NODE_CREATE_FOREIGN_TABLE_STMT, StatementKind::create_table},
    Row{PG_QUERY__NODE__NODE_ALTER_TABLE_STMT, StatementKind::alter_table},
    Row{PG_QUERY__NODE__NODE_INDEX_STMT, StatementKind::create_index},
    Row{PG_QUERY__NODE__NODE_REINDEX_STMT, StatementKind::reindex},
    Row{PG_QUERY__NODE__NODE_VIEW_STMT, StatementKind::create_view},
    Row{PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT, StatementKind::create_function},
    Row{PG_QUERY__NODE__NODE_CREATE_TRIG_STMT, StatementKind::create_trigger},
    Row{PG_QUERY__NODE__NODE_CREATE_ENUM_STMT, StatementKind::create_type},
    Row{PG_QUERY__NODE__NODE_COMPOSITE_TYPE_STMT, StatementKind::create_type},
    Row{PG_QUERY__NODE__NODE_CREATE_RANGE_STMT, StatementKind::create_type},
    Row{PG_QUERY__NODE__NODE_CREATE_DOMAIN_STMT, StatementKind::create_type},
    Row{PG_QUERY__NODE__NODE_ALTER_ENUM_STMT, StatementKind::alter_type},
    Row{PG_QUERY__NODE__NODE_ALTER_TYPE_STMT, StatementKind::alter_type},
    Row{PG_QUERY__NODE__NODE_ALTER_DOMAIN_STMT, StatementKind::alter_type},
    Row{PG_QUERY__NODE__NODE_CREATE_SEQ_STMT, StatementKind::create_sequence},
    Row{PG_QUERY__NODE__NODE_COMMENT_STMT, StatementKind::comment},
    Row{PG_QUERY__NODE__NODE_GRANT_STMT, StatementKind::grant},
    Row{PG_QUERY__NODE__NODE_ALTER_DEFAULT_PRIVILEGES_STMT, StatementKind::grant},
    Row{PG_QUERY__NODE__NODE_TRANSACTION_STMT, StatementKind::transaction_control},
    Row{PG_QUERY__NODE__NODE_VARIABLE_SET_STMT, StatementKind::set},
    Row{PG_QUERY__NODE__NODE_CONSTRAINTS_SET_STMT, StatementKind::set},
    Row{PG_QUERY__NODE__NODE_CLUSTER_STMT, StatementKind::cluster},
    Row{PG_QUERY__NODE__NODE_REFRESH_MAT_VIEW_STMT, StatementKind::refresh_matview},
    Row{PG_QUERY__NODE__NODE_DO_STMT, StatementKind::do_block},
    Row{PG_QUERY__NODE__NODE_CREATE_EXTENSION_STMT, StatementKind::create_extension},
    Row{PG_QUERY__NODE__NODE_CREATE_ROLE_STMT, StatementKind::role},
    Row{PG_QUERY__NODE__NODE_ALTER_ROLE_STMT, StatementKind::role},
    Row{PG_QUERY__NODE__NODE_ALTER_ROLE_SET_STMT, StatementKind::role},
    Row{PG_QUERY__NODE__NODE_DROP_ROLE_STMT, StatementKind::role},
    Row{PG_QUERY__NODE__NODE_GRANT_ROLE_STMT, StatementKind::role},
    Row{PG_QUERY__NODE__NODE_CREATEDB_STMT, StatementKind::database},
    Row{PG_QUERY__NODE__NODE_DROPDB_STMT, StatementKind::database},
    Row{PG_QUERY__NODE__NODE_ALTER_DATABASE_STMT, StatementKind::database},
    Row{PG_QUERY__NODE__NODE_ALTER_DATABASE_SET_STMT, StatementKind::database},
    Row{PG_QUERY__NODE__NODE_ALTER_DATABASE_REFRESH_COLL_STMT, StatementKind::database},
};

// RENAME has a node of its own; it is the ALTER of what it renames.
StatementKind kind_of_rename(const PgQuery__RenameStmt& statement) {
  switch (statement.rename_type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN:
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT: return StatementKind::alter_table;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_ATTRIBUTE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN:
    case PG_QUERY__OBJECT_TYPE__OBJECT_DOMCONSTRAINT: return StatementKind::alter_type;
    case PG_QUERY__OBJECT_TYPE__OBJECT_ROLE: return StatementKind::role;
    case PG_QUERY__OBJECT_TYPE__OBJECT_DATABASE: return StatementKind::database;
    default: return StatementKind::other;
  }
}

StatementKind kind_of(const PgQuery__Node& node) {
  switch (node.node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
      return node.select_stmt->into_clause != nullptr ? StatementKind::create_table
                                                      : StatementKind::select;
    case PG_QUERY__NODE__NODE_DROP_STMT: return kind_of_drop(node.drop_stmt->remove_type);
    case PG_QUERY__NODE__NODE_RENAME_STMT: return kind_of_rename(*node.rename_stmt);
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
      return kind_of_table_as(*node.create_table_as_stmt);
    case PG_QUERY__NODE__NODE_VACUUM_STMT:
      return node.vacuum_stmt->is_vacuumcmd != 0 ? StatementKind::vacuum : StatementKind::analyze;
    case PG_QUERY__NODE__NODE_DEFINE_STMT:
      return node.define_stmt->kind == PG_QUERY__OBJECT_TYPE__OBJECT_TYPE
                 ? StatementKind::create_type
                 : StatementKind::other;
    default: break;
  }
  const auto* found = std::ranges::find(kinds, node.node_case, &Row::node);
  return found == kinds.end() ? StatementKind::other : found->kind;
}

// An option that is on: named alone, or with a value other than false.
bool option_on(PgQuery__Node* const* options, std::size_t count, std::string_view name,
               bool when_absent = false) {
  for (std::size_t i = 0; i < count; ++i) {
    if (options[i]->node_case != PG_QUERY__NODE__NODE_DEF_ELEM) continue;
    const PgQuery__DefElem& option = *options[i]->def_elem;
    if (option.defname != name) continue;
    const PgQuery__Node* value = option.arg;
    if (value == nullptr) return true;
    if (value->node_case == PG_QUERY__NODE__NODE_INTEGER) return value->integer->ival != 0;
    if (value->node_case == PG_QUERY__NODE__NODE_BOOLEAN) return value->boolean->boolval != 0;
    const std::string_view text = detail::string_of(value);
    return text != "false" && text != "off" && text != "0";
  }
  return when_absent;
}

bool detaches_concurrently(const PgQuery__AlterTableStmt& statement) {
  for (std::size_t i = 0; i < statement.n_cmds; ++i) {
    const PgQuery__AlterTableCmd& command = *statement.cmds[i]->alter_table_cmd;
    if (command.subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_DetachPartition &&
        command.def != nullptr && command.def->node_case == PG_QUERY__NODE__NODE_PARTITION_CMD &&
        command.def->partition_cmd->concurrent != 0) {
      return true;
    }
  }
  return false;
}

bool is_concurrent(const PgQuery__Node& node) {
  switch (node.node_case) {
    case PG_QUERY__NODE__NODE_INDEX_STMT: return node.index_stmt->concurrent != 0;
    case PG_QUERY__NODE__NODE_DROP_STMT: return node.drop_stmt->concurrent != 0;
    case PG_QUERY__NODE__NODE_REINDEX_STMT:
      return option_on(node.reindex_stmt->params, node.reindex_stmt->n_params, "concurrently");
    case PG_QUERY__NODE__NODE_REFRESH_MAT_VIEW_STMT:
      return node.refresh_mat_view_stmt->concurrent != 0;
    case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
      return detaches_concurrently(*node.alter_table_stmt);
    default: return false;
  }
}

bool reindexes_many(const PgQuery__ReindexStmt& statement) {
  return statement.kind != PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_INDEX &&
         statement.kind != PG_QUERY__REINDEX_OBJECT_TYPE__REINDEX_OBJECT_TABLE;
}

// What PreventInTransactionBlock() guards in PostgreSQL, as far as syntax tells. A REINDEX or
// CLUSTER of a partitioned table is refused by the server alone.
bool runs_alone(const PgQuery__Node& node) {
  switch (node.node_case) {
    case PG_QUERY__NODE__NODE_REFRESH_MAT_VIEW_STMT: return false;
    case PG_QUERY__NODE__NODE_REINDEX_STMT:
      return is_concurrent(node) || reindexes_many(*node.reindex_stmt);
    case PG_QUERY__NODE__NODE_CLUSTER_STMT: return node.cluster_stmt->relation == nullptr;
    case PG_QUERY__NODE__NODE_VACUUM_STMT: return node.vacuum_stmt->is_vacuumcmd != 0;
    case PG_QUERY__NODE__NODE_ALTER_DATABASE_STMT:
      return option_on(node.alter_database_stmt->options, node.alter_database_stmt->n_options,
                       "tablespace");
    case PG_QUERY__NODE__NODE_CREATE_SUBSCRIPTION_STMT:
      return option_on(node.create_subscription_stmt->options,
                       node.create_subscription_stmt->n_options, "create_slot", true);
    case PG_QUERY__NODE__NODE_DISCARD_STMT:
      return node.discard_stmt->target == PG_QUERY__DISCARD_MODE__DISCARD_ALL;
    case PG_QUERY__NODE__NODE_TRANSACTION_STMT:
    case PG_QUERY__NODE__NODE_CREATEDB_STMT:
    case PG_QUERY__NODE__NODE_DROPDB_STMT:
    case PG_QUERY__NODE__NODE_CREATE_TABLE_SPACE_STMT:
    case PG_QUERY__NODE__NODE_DROP_TABLE_SPACE_STMT:
    case PG_QUERY__NODE__NODE_ALTER_SYSTEM_STMT:
    case PG_QUERY__NODE__NODE_ALTER_SUBSCRIPTION_STMT:
    case PG_QUERY__NODE__NODE_DROP_SUBSCRIPTION_STMT: return true;
    default: return is_concurrent(node);
  }
}

// From the first token of the statement to the last before its semicolon.
std::string_view cut(const Scan& scan, const PgQuery__RawStmt& statement) {
  const auto start = static_cast<std::size_t>(statement.stmt_location);
  const std::size_t end = statement.stmt_len == 0
                              ? scan.text.size()
                              : start + static_cast<std::size_t>(statement.stmt_len);
  const auto first = std::ranges::lower_bound(scan.tokens, start, {}, &detail::Token::start);
  auto last = std::ranges::lower_bound(scan.tokens, end, {}, &detail::Token::start);
  while (last != first && scan.text[(last - 1)->start] == ';') --last;
  if (first == last) return {};
  return std::string_view(scan.text).substr(first->start, (last - 1)->end - first->start);
}

base::Result<std::vector<ParsedStatement>> read_statements(Tree& tree, const Scan& scan) {
  std::vector<ParsedStatement> result;
  for (std::size_t i = 0; i < tree->n_stmts; ++i) {
    const PgQuery__RawStmt& raw = *tree->stmts[i];
    if (raw.stmt == nullptr) continue;
    ParsedStatement statement;
    statement.text = Fragment::trusted(cut(scan, raw));
    statement.kind = kind_of(*raw.stmt);
    statement.transactional = !runs_alone(*raw.stmt);
    statement.concurrently = is_concurrent(*raw.stmt);
    statement.relations = detail::relations_of(*raw.stmt);
    result.push_back(std::move(statement));
  }
  return result;
}

}  // namespace

base::Result<std::vector<ParsedStatement>> statements(std::string_view script) {
  return detail::with_tree<std::vector<ParsedStatement>>(
      "", script, "", [](Tree& tree, const Scan& scan) { return read_statements(tree, scan); });
}

}  // namespace lockkeeper::sql::parse
