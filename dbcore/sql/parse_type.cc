#include "dbcore/sql/parse.h"
#include "dbcore/sql/parse_tree.h"

namespace lockkeeper::sql::parse {
namespace {

using detail::Scan;
using detail::Tree;

constexpr std::string_view before = "SELECT CAST(NULL AS ";
constexpr std::string_view after = "\n)";

// The type that the text alone put into the cast; null when it put something else there.
const PgQuery__TypeName* only_type(const Tree& tree) {
  const PgQuery__Node* value = detail::only_target(tree);
  if (value == nullptr || value->node_case != PG_QUERY__NODE__NODE_TYPE_CAST) return nullptr;
  const PgQuery__TypeCast& cast = *value->type_cast;
  const bool of_null = cast.arg != nullptr && cast.arg->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                       cast.arg->a_const->isnull != 0;
  return of_null ? cast.type_name : nullptr;
}

base::Result<Fragment> read_type(const Tree& tree, const Scan& scan) {
  const PgQuery__TypeName* type = only_type(tree);
  if (type == nullptr || scan.tokens.empty()) {
    return base::invalid("not a type: one type name is expected and nothing else");
  }
  if (type->setof != 0 || type->pct_type != 0) {
    return base::invalid("SETOF and %TYPE name no type of a column");
  }
  const std::string text = detail::print(scan);
  if (!detail::spells(std::string(before).append(text).append(after), tree)) {
    return detail::cannot_spell(text);
  }
  return Fragment::trusted(text);
}

}  // namespace

base::Result<Fragment> type_name(std::string_view text) {
  return detail::with_tree<Fragment>(
      before, text, after, [](Tree& tree, const Scan& scan) { return read_type(tree, scan); });
}

}  // namespace lockkeeper::sql::parse
