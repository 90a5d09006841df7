// The operations that a Migration may list: a closed variant. Each alternative has its file pair in
// plan/operations/ with
//   Result<void> plan(const Op&, const Position&, const catalog::Catalog&, Draft&)   what it needs
//   Result<Catalog> apply(const Op&, const catalog::Catalog&)                        what is left
// Strings are as the user wrote them; expressions and types are checked when they are planned.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lockkeeper::plan {

struct CheckClause {
  std::string name;
  std::string expression;
  bool operator==(const CheckClause&) const = default;
};

struct ReferencesClause {
  std::string table;
  std::vector<std::string> columns;
  std::string name;       // empty: <table>_<column>_fkey
  std::string on_delete;  // NoAction | Restrict | Cascade | SetNull | SetDefault; empty: NoAction
  std::string on_update;
  bool operator==(const ReferencesClause&) const = default;
};

struct ColumnDefinition {
  std::string name;
  std::string type;
  bool nullable = true;
  std::optional<std::string> default_expression;  // field `default`
  std::optional<std::string> generated;           // GENERATED ALWAYS AS (..) STORED
  std::optional<std::string> identity;            // Always | ByDefault
  std::optional<std::string> collation;
  bool unique = false;
  std::optional<CheckClause> check;
  std::optional<ReferencesClause> references;
  std::optional<std::string> comment;
  bool operator==(const ColumnDefinition&) const = default;
};

struct AddColumn {
  std::string table;
  ColumnDefinition column;
  std::optional<std::string> up;
  bool operator==(const AddColumn&) const = default;
};

struct DropColumn {
  std::string table;
  std::string column;
  std::optional<std::string> down;
  bool operator==(const DropColumn&) const = default;
};

struct RenameColumn {
  std::string table;
  std::string from;
  std::string to;
  bool operator==(const RenameColumn&) const = default;
};

struct ChangeType {
  std::string table;
  std::string column;
  std::string type;
  std::optional<std::string> up;
  std::optional<std::string> down;
  std::optional<std::string> to;
  bool operator==(const ChangeType&) const = default;
};

struct SetNotNull {
  std::string table;
  std::string column;
  std::optional<std::string> up;
  bool operator==(const SetNotNull&) const = default;
};

struct IndexElement {
  std::string name;  // exactly one of name and expression
  std::string expression;
  std::string order;  // Asc | Desc | empty
  std::string nulls;  // First | Last | empty
  std::string opclass;
  std::string collation;
  bool operator==(const IndexElement&) const = default;
};

struct CreateIndex {
  std::string table;
  std::string name;
  std::vector<IndexElement> columns;
  bool unique = false;
  std::string method;  // empty: btree
  std::vector<std::string> include;
  std::optional<std::string> where;
  std::vector<std::pair<std::string, std::string>> with;
  bool nulls_not_distinct = false;
  bool operator==(const CreateIndex&) const = default;
};

struct SqlBackfill {
  std::string table;
  std::string set;    // "a = expr, b = expr"
  std::string where;  // empty: every row; must become false by set
  bool operator==(const SqlBackfill&) const = default;
};

struct Sql {
  std::vector<std::string> expand;
  std::optional<SqlBackfill> backfill;
  std::vector<std::string> contract;
  std::vector<std::string> rollback;
  bool irreversible = false;
  bool operator==(const Sql&) const = default;
};

using Operation =
    std::variant<AddColumn, DropColumn, RenameColumn, ChangeType, SetNotNull, CreateIndex, Sql>;

// "addColumn", as in spec.operations.
std::string_view kind(const Operation& operation);

}  // namespace lockkeeper::plan
