// What the text of SQL says, by PostgreSQL's own grammar (libpg_query; only parse*.cc includes it).
// All functions are pure and thread-safe. Text that does not parse is invalid with the position in
// the message and the reason CannotJudge: the grammar is PostgreSQL 15's, and a newer server may
// take what it refuses. Nothing here looks at a database: names are not resolved.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dbcore/base/result.h"
#include "dbcore/sql/identifier.h"
#include "dbcore/sql/statement.h"

namespace lockkeeper::sql::parse {

struct FunctionName {
  std::string schema;  // empty when not qualified
  std::string name;
  auto operator<=>(const FunctionName&) const = default;
};

// A scalar expression over the columns of one row.
struct Expression {
  Fragment text;                  // as written, without comments, white space as single spaces
  std::set<std::string> columns;  // unqualified names it reads
  std::set<FunctionName> functions;
  bool has_subquery = false;
  bool has_aggregate_or_window =
      false;                       // by syntax: OVER, FILTER, WITHIN GROUP, DISTINCT, star argument
  bool has_parameter = false;      // $1
  bool qualified_columns = false;  // a.b: not allowed in our expressions
  bool constant = false;           // reads no column and calls no function
  bool bare = false;  // names columns alone: no search_path can make it mean anything else
};
base::Result<Expression> expression(std::string_view text);

// The same expression with columns renamed (keys to values), all at once; with a qualifier, every
// column reference becomes qualifier.column (NEW, OLD, or the name of a table, which is quoted).
// What comes out is proved against the parse tree. invalid when a reference is qualified, a whole
// row, or stands in a subquery.
base::Result<Fragment> rename_columns(std::string_view expression,
                                      const std::map<std::string, std::string>& names,
                                      std::string_view qualifier = {});

// A type name such as "numeric(12,2)" without comments and white space around; invalid when it is
// no type syntax. What it names is for catalog::Request::types to tell.
base::Result<Fragment> type_name(std::string_view text);

enum class StatementKind {
  select,
  insert,
  update,
  delete_,  // NOLINT(readability-identifier-naming): delete is a keyword
  merge,
  copy,
  truncate,
  create_table,
  alter_table,
  drop_table,
  create_index,
  drop_index,
  reindex,
  create_view,
  drop_view,
  create_function,
  create_trigger,
  create_type,
  alter_type,
  create_sequence,
  comment,
  grant,
  transaction_control,
  set,
  vacuum,
  analyze,
  cluster,
  refresh_matview,
  do_block,
  create_extension,
  role,
  database,
  other
};

struct ParsedStatement {
  Fragment text;  // as written from its first to its last token, without the semicolon
  StatementKind kind = StatementKind::other;
  bool transactional = true;  // false: cannot run inside a transaction block
  bool concurrently = false;
  // (schema or "", name) of the relations that it names, each once, WITH queries left out; what a
  // function body names is not seen.
  std::vector<std::pair<std::string, std::string>> relations;
};
// A script split into statements, comments and dollar quotes understood.
base::Result<std::vector<ParsedStatement>> statements(std::string_view script);

// Re-targets a definition that the catalog printed (pg_get_indexdef, or ALTER TABLE .. ADD
// CONSTRAINT .. pg_get_constraintdef) on its parse tree; all else in it (operator classes,
// collations, order, options, tablespace, actions) stays as it is spelled.
struct Retarget {
  std::string name = {};                            // new index or constraint name; empty: keep
  std::map<std::string, std::string> columns = {};  // column names to replace
  std::map<std::string, std::string> referenced_columns = {};  // of a foreign key's other side
  std::optional<QualifiedName> table = {};                     // put it on this table instead
  bool concurrently = false;                                   // CREATE INDEX CONCURRENTLY
  bool not_valid = false;                                      // constraint: NOT VALID
};
base::Result<Fragment> retarget(std::string_view definition, const Retarget& change);

}  // namespace lockkeeper::sql::parse
