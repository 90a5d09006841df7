// An immutable picture of the tables that somebody asked for, of what is tied to them, and of the
// server they live in. Plain values: copy, compare, share between threads. Made by catalog/inspect,
// changed only by making a new one (plan operations' apply()).
//
// Widened, not replaced: another kind of object becomes another member here, another query in
// queries.h and other facts in fingerprint.cc.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dbcore/sql/identifier.h"

namespace lockkeeper::catalog {

using Oid = std::uint32_t;

// Until the name is known.
inline sql::QualifiedName unnamed() {
  return {sql::Identifier::trusted(""), sql::Identifier::trusted("")};
}

enum class Identity { none, always, by_default };
enum class GeneratedKind { none, stored, on_read };  // on_read: VIRTUAL of PostgreSQL 18

struct Column {
  std::string name;
  int number = 0;    // attnum; 0 for one that does not exist yet
  std::string type;  // format_type with empty search_path: "numeric(12,2)", "public.mood"
  Oid type_oid = 0;
  int type_modifier = -1;
  bool not_null = false;
  std::string default_expression;  // pg_get_expr with empty search_path; also a generated column's
  bool default_volatile = false;
  Identity identity = Identity::none;
  GeneratedKind generated = GeneratedKind::none;
  std::string owned_sequence;  // "schema"."name" quoted, of a serial or identity column
  std::string collation;       // quoted qualified, only when not the type's default
  std::string comment;
  int statistics_target = -1;
  char storage = 0;                  // p, e, m, x; 0 when the type's default
  char compression = 0;              // p, l; 0 when the default
  std::vector<std::string> options;  // n_distinct=...
  std::vector<std::string> acl;      // aclitem texts
  bool operator==(const Column&) const = default;
};

struct IndexColumn {
  std::string name;  // empty for an expression
  bool operator==(const IndexColumn&) const = default;
};

struct Index {
  Oid oid = 0;
  std::string name;
  std::string definition;  // pg_get_indexdef
  std::string method;
  bool unique = false;
  bool primary = false;
  bool exclusion = false;
  bool valid = true;
  bool ready = true;
  bool partial = false;
  bool nulls_not_distinct = false;
  bool immediate = true;
  bool replica_identity = false;
  bool clustered = false;
  std::vector<IndexColumn> keys;  // key columns in order
  std::vector<std::string> included;
  std::vector<std::string> reads;  // every column that it depends on, expressions and predicate too
  std::string constraint;          // name of the constraint that owns it, or empty
  std::string comment;
  std::string tablespace;
  Oid parent = 0;  // the partitioned index it is a part of
  std::int64_t size_bytes = 0;
  bool operator==(const Index&) const = default;
};

enum class ConstraintKind { check, foreign_key, primary_key, unique, exclusion, trigger };

struct Constraint {
  Oid oid = 0;
  std::string name;
  ConstraintKind kind = ConstraintKind::check;
  std::string definition;            // pg_get_constraintdef
  std::vector<std::string> columns;  // of the table itself; for a check: all that it reads
  bool validated = true;
  bool deferrable = false;
  bool initially_deferred = false;
  bool no_inherit = false;
  bool local = true;         // not only inherited
  std::string index;         // of a key constraint
  Oid referenced_table = 0;  // foreign key
  std::optional<sql::QualifiedName> referenced_name;
  std::vector<std::string> referenced_columns;
  std::string comment;
  Oid parent = 0;
  bool operator==(const Constraint&) const = default;
};

struct Trigger {
  std::string name;
  std::string definition;  // pg_get_triggerdef
  std::string function;    // schema.name
  bool row = false;
  bool before = false;
  bool instead = false;
  bool on_insert = false;
  bool on_update = false;
  bool on_delete = false;
  bool on_truncate = false;
  std::vector<std::string> update_of;
  std::vector<std::string> reads;  // columns that UPDATE OF or WHEN depends on
  char enabled = 'O';              // tgenabled: O, D, R, A
  bool constraint = false;
  Oid parent = 0;
  bool operator==(const Trigger&) const = default;
};

struct Policy {
  std::string name;
  std::string definition;  // canonical text
  std::vector<std::string> reads;
  bool operator==(const Policy&) const = default;
};

// A view or materialized view that reads the table, directly or through another view.
struct View {
  Oid oid = 0;
  sql::QualifiedName name = unnamed();
  bool materialized = false;
  int depth = 1;           // 1 reads a table, 2 reads a view that does, ...
  std::string definition;  // pg_get_viewdef
  std::vector<std::string> columns;
  std::vector<std::string> options;  // security_invoker=true ...
  std::vector<std::string> acl;
  std::string owner;
  std::string comment;
  std::vector<std::pair<std::string, std::string>> defaults;  // column, expression
  std::vector<std::string> indexes;   // pg_get_indexdef, of a materialized view
  std::vector<std::string> triggers;  // pg_get_triggerdef
  // (oid of a table or of a view between, column), through other views too; column empty: the
  // whole row, or none by name.
  std::vector<std::pair<Oid, std::string>> reads;
  bool operator==(const View&) const = default;
};

// A foreign key of another table that refers to this one.
struct IncomingReference {
  Oid table = 0;
  sql::QualifiedName table_name = unnamed();
  std::string constraint;
  std::vector<std::string> columns;             // of the other table
  std::vector<std::string> referenced_columns;  // of this one
  bool operator==(const IncomingReference&) const = default;
};

// Something else that pg_depend ties to a column and that no member above models: what DROP COLUMN
// or ALTER TYPE would trip over.
struct Dependent {
  std::string column;
  std::string description;  // pg_describe_object: "statistics object public.s"
  std::string kind;         // statistics, publication, function, rule, generated column, ...
  bool operator==(const Dependent&) const = default;
};

// Extended statistics (CREATE STATISTICS) over columns of a table.
struct Statistics {
  sql::QualifiedName name = unnamed();
  std::vector<std::string> kinds;    // ndistinct, dependencies, mcv
  std::vector<std::string> columns;  // in the table's order
  bool expressions = false;          // and over expressions too
  std::string owner;
  std::string comment;
  int target = -1;
  bool operator==(const Statistics&) const = default;
};

enum class TableKind { table, partitioned, foreign, other };

struct Table {
  Oid oid = 0;
  sql::QualifiedName name = unnamed();
  TableKind kind = TableKind::table;
  char persistence = 'p';  // p, u, t
  std::string owner;
  std::string comment;
  std::vector<std::string> acl;
  std::vector<std::string> options;
  bool row_security = false;
  bool force_row_security = false;
  char replica_identity = 'd';          // d, n, f, i
  std::vector<Column> columns;          // in order, dropped ones left out
  std::vector<Index> indexes;           // by name
  std::vector<Constraint> constraints;  // by name
  std::vector<Trigger> triggers;        // by name, internal ones left out
  std::vector<Policy> policies;
  std::vector<IncomingReference> referenced_by;
  std::vector<Dependent> dependents;
  std::vector<Statistics> statistics;          // by name
  std::vector<sql::QualifiedName> partitions;  // all leaf partitions, any level
  std::vector<std::pair<Oid, sql::QualifiedName>>
      children;  // direct INHERITS children or partitions
  std::vector<Oid> parents;
  std::string partition_key;                   // pg_get_partkeydef
  std::vector<std::string> partition_columns;  // that its key reads
  std::string partition_bound;                 // of a partition: "FOR VALUES FROM (1) TO (2)"
  std::vector<std::string> publications;       // that publish it
  double row_estimate = -1;                    // reltuples; -1: never analyzed
  std::int64_t size_bytes = 0;                 // heap and toast
  std::int64_t total_bytes = 0;                // with indexes
  bool operator==(const Table&) const = default;

  [[nodiscard]] const Column* column(std::string_view column_name) const;
  [[nodiscard]] const Index* index(std::string_view index_name) const;
  [[nodiscard]] const Constraint* constraint(std::string_view constraint_name) const;
};

// What the server makes of a type's text.
struct Type {
  std::string name;  // canonical: format_type with empty search_path
  Oid oid = 0;
  int modifier = -1;
  char category = 'X';              // typcategory
  char kind = 'b';                  // typtype: b, c, d, e, p, r, m
  bool constrained_domain = false;  // a domain with CHECK or NOT NULL
  bool collatable = false;
  std::string element;       // of an array
  bool has_equality = true;  // a default btree or hash operator class
  bool operator==(const Type&) const = default;
};

struct Function {
  std::string schema;
  std::string name;
  char volatility = 'v';  // the most volatile of its overloads: i, s, v
  char kind = 'f';        // f, a, w, p; 'a' or 'w' if any overload is
  bool operator==(const Function&) const = default;
};

struct Server {
  int version_num = 0;
  std::string database;
  Oid database_oid = 0;
  std::string system_identifier;  // empty when not readable
  bool in_recovery = false;
  std::string user;  // current_user
  bool superuser = false;
  bool bypass_rls = false;
  bool can_create_schema = false;  // CREATE on the database
  bool sees_all_activity = false;  // pg_monitor or pg_read_all_stats
  int max_connections = 0;
  std::int64_t deadlock_timeout_ms = 1000;
  bool all_time_zones_utc = false;  // the database's and every role's TimeZone
  bool operator==(const Server&) const = default;
};

struct Catalog {
  Server server;
  sql::Identifier schema = sql::Identifier::trusted("public");  // the target schema
  bool schema_exists = false;
  std::map<std::string, Table> tables;  // of the target schema, by name; only those asked for
  // Tied to them by foreign key or inheritance. Their own dependents, views and references are not
  // read, nor the columns, triggers and policies of partitions.
  std::map<Oid, Table> related;
  std::vector<View> views;            // over those tables, innermost first
  std::map<std::string, Type> types;  // by the text that was asked; absent: no such type
  std::map<std::string, std::string> type_problems;  // why not, in the server's words
  std::map<std::string, Function> functions;  // by "schema.name" or "name" as asked; absent: none
  std::vector<std::string>
      relation_names;  // of those asked in Request::names that exist in the schema
  bool operator==(const Catalog&) const = default;

  [[nodiscard]] const Table* table(std::string_view name) const;
};

}  // namespace lockkeeper::catalog
