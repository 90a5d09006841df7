#include "dbcore/sql/parse_relations.h"

#include <algorithm>
#include <set>

namespace lockkeeper::sql::parse::detail {
namespace {

class Collector {
 public:
  void take(ProtobufCMessage& message) {
    if (auto* range = as<PgQuery__RangeVar>(message, pg_query__range_var__descriptor)) {
      add(range->schemaname, range->relname);
    } else if (auto* query =
                   as<PgQuery__CommonTableExpr>(message, pg_query__common_table_expr__descriptor)) {
      with_names_.emplace(query->ctename);
    } else if (auto* drop = as<PgQuery__DropStmt>(message, pg_query__drop_stmt__descriptor)) {
      for (std::size_t i = 0; i < drop->n_objects; ++i) {
        take_object(drop->remove_type, drop->objects[i]);
      }
    } else if (auto* comment =
                   as<PgQuery__CommentStmt>(message, pg_query__comment_stmt__descriptor)) {
      take_object(comment->objtype, comment->object);
    } else if (auto* label =
                   as<PgQuery__SecLabelStmt>(message, pg_query__sec_label_stmt__descriptor)) {
      take_object(label->objtype, label->object);
    } else if (auto* option = as<PgQuery__DefElem>(message, pg_query__def_elem__descriptor)) {
      if (std::string_view(option->defname) == "owned_by") take_list(option->arg, 1);
    }
  }

  [[nodiscard]] std::vector<RelationName> names() const {
    std::vector<RelationName> result;
    for (const RelationName& name : found_) {
      const bool with_query = name.first.empty() && with_names_.contains(name.second);
      if (!with_query && std::ranges::find(result, name) == result.end()) result.push_back(name);
    }
    return result;
  }

 private:
  void add(std::string_view schema, std::string_view name) {
    if (!name.empty()) found_.emplace_back(schema, name);
  }

  // A dotted name whose last `tail` parts name something within the relation.
  void take_list(const PgQuery__Node* node, std::size_t tail) {
    if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_LIST) return;
    const PgQuery__List& list = *node->list;
    if (list.n_items <= tail) return;
    const std::size_t last = list.n_items - tail - 1;
    add(last > 0 ? string_of(list.items[last - 1]) : "", string_of(list.items[last]));
  }

  void take_object(PgQuery__ObjectType type, const PgQuery__Node* object) {
    switch (type) {
      case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
      case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
      case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
      case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
      case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
      case PG_QUERY__OBJECT_TYPE__OBJECT_FOREIGN_TABLE: take_list(object, 0); break;
      case PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN:
      case PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT:
      case PG_QUERY__OBJECT_TYPE__OBJECT_TRIGGER:
      case PG_QUERY__OBJECT_TYPE__OBJECT_POLICY:
      case PG_QUERY__OBJECT_TYPE__OBJECT_RULE: take_list(object, 1); break;
      default: break;
    }
  }

  std::vector<RelationName> found_;
  std::set<std::string, std::less<>> with_names_;
};

}  // namespace

std::vector<RelationName> relations_of(PgQuery__Node& statement) {
  Collector collector;
  walk(statement.base, [&](ProtobufCMessage& message) {
    collector.take(message);
    return true;
  });
  return collector.names();
}

}  // namespace lockkeeper::sql::parse::detail
