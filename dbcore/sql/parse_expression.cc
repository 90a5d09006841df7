#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "dbcore/sql/parse.h"
#include "dbcore/sql/parse_rename.h"
#include "dbcore/sql/parse_tree.h"

namespace lockkeeper::sql::parse {
namespace {

using detail::as;
using detail::Scan;
using detail::string_of;
using detail::Tree;

constexpr std::string_view select = "SELECT ";

base::Error not_an_expression(std::string_view why) {
  return base::invalid(fmt::format("not an expression: {}", why));
}

// "*" and "t.*" stand for as many values as there are columns.
bool is_star(const PgQuery__Node& node) {
  return node.node_case == PG_QUERY__NODE__NODE_COLUMN_REF && node.column_ref->n_fields > 0 &&
         node.column_ref->fields[node.column_ref->n_fields - 1]->node_case ==
             PG_QUERY__NODE__NODE_A_STAR;
}

base::Result<PgQuery__Node*> find_expression(const Tree& tree, const Scan& scan) {
  if (scan.tokens.empty()) return not_an_expression("it is empty");
  PgQuery__Node* node = detail::only_target(tree);
  if (node == nullptr || is_star(*node) || scan.is(0, "all") ||
      scan.is(scan.tokens.size() - 1, ";")) {
    return not_an_expression("one value is expected and nothing else");
  }
  return node;
}

// The functions behind CURRENT_TIMESTAMP and its like, which the grammar has nodes of their own
// for.
FunctionName value_function(PgQuery__SQLValueFunctionOp op) {
  switch (op) {
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER:
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER: return {"pg_catalog", "current_user"};
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER: return {"pg_catalog", "session_user"};
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG:
      return {"pg_catalog", "current_database"};
    case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA:
      return {"pg_catalog", "current_schema"};
    default: return {"pg_catalog", "now"};
  }
}

void take_column(const PgQuery__ColumnRef& column, Expression& into) {
  if (column.n_fields == 1 && !string_of(column.fields[0]).empty()) {
    into.columns.emplace(string_of(column.fields[0]));
  } else {
    into.qualified_columns = true;
  }
}

void take_call(const PgQuery__FuncCall& call, Expression& into) {
  FunctionName name;
  if (call.n_funcname > 0) name.name = string_of(call.funcname[call.n_funcname - 1]);
  if (call.n_funcname > 1) name.schema = string_of(call.funcname[call.n_funcname - 2]);
  into.functions.insert(std::move(name));
  into.has_aggregate_or_window = into.has_aggregate_or_window || call.over != nullptr ||
                                 call.agg_filter != nullptr || call.n_agg_order > 0 ||
                                 call.agg_within_group != 0 || call.agg_star != 0 ||
                                 call.agg_distinct != 0;
}

// False when the node has no place in an expression over one row.
bool take(ProtobufCMessage& message, Expression& into) {
  if (auto* column = as<PgQuery__ColumnRef>(message, pg_query__column_ref__descriptor)) {
    take_column(*column, into);
  } else if (auto* call = as<PgQuery__FuncCall>(message, pg_query__func_call__descriptor)) {
    take_call(*call, into);
  } else if (auto* value =
                 as<PgQuery__SQLValueFunction>(message, pg_query__sqlvalue_function__descriptor)) {
    into.functions.insert(value_function(value->op));
  } else if (message.descriptor == &pg_query__sub_link__descriptor) {
    into.has_subquery = true;
  } else if (message.descriptor == &pg_query__grouping_func__descriptor) {
    into.has_aggregate_or_window = true;
  } else if (message.descriptor == &pg_query__param_ref__descriptor) {
    into.has_parameter = true;
  } else {
    return message.descriptor != &pg_query__set_to_default__descriptor;
  }
  return true;
}

// Nodes that look nothing up by a name that a search_path could lead astray. What is not listed may
// do so: operators, functions, collations, and the `=` inside IN, NULLIF or a simple CASE.
bool is_bare(ProtobufCMessage& message) {
  if (auto* type = as<PgQuery__TypeName>(message, pg_query__type_name__descriptor)) {
    return type->n_names == 2 && string_of(type->names[0]) == "pg_catalog";
  }
  static constexpr std::array known{
      &pg_query__node__descriptor,          &pg_query__column_ref__descriptor,
      &pg_query__a__const__descriptor,      &pg_query__integer__descriptor,
      &pg_query__float__descriptor,         &pg_query__boolean__descriptor,
      &pg_query__string__descriptor,        &pg_query__bit_string__descriptor,
      &pg_query__type_cast__descriptor,     &pg_query__null_test__descriptor,
      &pg_query__bool_expr__descriptor,     &pg_query__boolean_test__descriptor,
      &pg_query__coalesce_expr__descriptor,
  };
  return std::ranges::find(known, message.descriptor) != known.end();
}

base::Result<std::string> canonical(const Tree& tree, const Scan& scan) {
  std::string text = detail::print(scan);
  if (!detail::spells(std::string(select) + text, tree)) {
    return detail::cannot_spell(text);
  }
  return text;
}

base::Result<Expression> read_expression(const Tree& tree, const Scan& scan) {
  TRY(PgQuery__Node* const node, find_expression(tree, scan));
  TRY(const std::string text, canonical(tree, scan));
  Expression result;
  result.text = Fragment::trusted(text);
  bool sound = true;
  result.bare = true;
  detail::walk(node->base, [&](ProtobufCMessage& message) {
    sound = take(message, result) && sound;
    result.bare = is_bare(message) && result.bare;
    return true;
  });
  if (!sound) return not_an_expression("DEFAULT is no value here");
  result.constant = result.columns.empty() && !result.qualified_columns &&
                    result.functions.empty() && !result.has_subquery && !result.has_parameter;
  return result;
}

base::Result<Fragment> rename(Tree& tree, const Scan& scan,
                              const std::map<std::string, std::string>& names,
                              std::string_view qualifier) {
  TRY(PgQuery__Node* const node, find_expression(tree, scan));
  detail::Renamer renamer(scan, select.size(), qualifier);
  if (!renamer.rename(*node, names)) {
    return base::invalid("columns can be renamed only in an expression over plain column names")
        .with_detail("it holds a qualified or whole-row reference or a subquery");
  }
  std::string text = detail::print(scan, renamer.take_edits());
  if (!detail::spells(std::string(select) + text, tree)) {
    return detail::cannot_spell(text);
  }
  return Fragment::trusted(text);
}

}  // namespace

base::Result<Expression> expression(std::string_view text) {
  return detail::with_tree<Expression>(
      select, text, "", [](Tree& tree, const Scan& scan) { return read_expression(tree, scan); });
}

base::Result<Fragment> rename_columns(std::string_view text,
                                      const std::map<std::string, std::string>& names,
                                      std::string_view qualifier) {
  return detail::with_tree<Fragment>(select, text, "", [&](Tree& tree, const Scan& scan) {
    return rename(tree, scan, names, qualifier);
  });
}

}  // namespace lockkeeper::sql::parse
