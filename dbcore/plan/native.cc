#include "dbcore/plan/native.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

namespace lockkeeper::plan {
namespace {

// "numeric(10,2)" as base and modifiers; "timestamp(3) without time zone" keeps both words.
struct Shape {
  std::string base;
  std::vector<int> modifiers;
};

Shape shape_of(std::string_view type) {
  Shape out;
  const auto open = type.find('(');
  const auto close = type.find(')');
  if (open == std::string_view::npos || close == std::string_view::npos) {
    out.base = type;
    return out;
  }
  out.base = std::string(type.substr(0, open)) + std::string(type.substr(close + 1));
  std::string_view rest = type.substr(open + 1, close - open - 1);
  while (!rest.empty()) {
    int value = 0;
    const auto end = std::from_chars(rest.data(), rest.data() + rest.size(), value).ptr;
    out.modifiers.push_back(value);
    const auto used = static_cast<std::size_t>(end - rest.data());
    rest = used < rest.size() ? rest.substr(used + 1) : std::string_view{};
  }
  return out;
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// A limit that the target does not have, or has at least as wide.
bool no_narrower(const Shape& from, const Shape& to) {
  if (to.modifiers.empty()) return true;
  return from.modifiers.size() == 1 && to.modifiers.size() == 1 &&
         to.modifiers[0] >= from.modifiers[0];
}

bool numeric_no_narrower(const Shape& from, const Shape& to) {
  if (to.modifiers.empty()) return true;
  if (from.modifiers.empty()) return false;
  const int from_scale = from.modifiers.size() > 1 ? from.modifiers[1] : 0;
  const int to_scale = to.modifiers.size() > 1 ? to.modifiers[1] : 0;
  return from_scale == to_scale && to.modifiers[0] >= from.modifiers[0];
}

bool same_base_widens(const Shape& from, const Shape& to) {
  if (from.base != to.base) return false;
  if (from.base == "numeric") return numeric_no_narrower(from, to);
  if (one_of(from.base, {"character varying", "bit varying", "timestamp without time zone",
                         "timestamp with time zone", "time without time zone",
                         "time with time zone", "interval"})) {
    return no_narrower(from, to);
  }
  return false;
}

bool binary_alike(const Shape& from, const Shape& to, bool all_utc) {
  if (same_base_widens(from, to)) return true;
  if (from.base == "character varying" && to.base == "text") return true;
  if (from.base == "text" && to.base == "character varying") return to.modifiers.empty();
  if (from.base == "cidr" && to.base == "inet") return true;
  if (from.base == "timestamp without time zone" && to.base == "timestamp with time zone") {
    return all_utc && no_narrower(from, to);
  }
  return false;
}

// What is built or read again under the lock when the type below it changes.
bool index_is_kept(const catalog::Index& index) {
  const bool plain = std::all_of(index.keys.begin(), index.keys.end(),
                                 [](const catalog::IndexColumn& key) { return !key.name.empty(); });
  return plain && !index.partial && !index.exclusion;
}

bool reads(const std::vector<std::string>& columns, const std::string& name) {
  return std::find(columns.begin(), columns.end(), name) != columns.end();
}

bool constraints_are_kept(const catalog::Table& table, const std::string& column) {
  const bool own = std::all_of(
      table.constraints.begin(), table.constraints.end(), [&](const catalog::Constraint& c) {
        const bool harmless = c.kind == catalog::ConstraintKind::primary_key ||
                              c.kind == catalog::ConstraintKind::unique;
        return harmless || !reads(c.columns, column);
      });
  const bool incoming = std::none_of(
      table.referenced_by.begin(), table.referenced_by.end(),
      [&](const catalog::IncomingReference& r) { return reads(r.referenced_columns, column); });
  return own && incoming;
}

struct Pair {
  std::string_view from;
  std::string_view to;
};

constexpr std::array lossless = {
    Pair{"smallint", "integer"},
    Pair{"smallint", "bigint"},
    Pair{"smallint", "numeric"},
    Pair{"smallint", "real"},
    Pair{"smallint", "double precision"},
    Pair{"integer", "bigint"},
    Pair{"integer", "numeric"},
    Pair{"integer", "double precision"},
    Pair{"bigint", "numeric"},
    Pair{"real", "double precision"},
    Pair{"cidr", "inet"},
    Pair{"jsonb", "json"},
    Pair{"time without time zone", "interval"},
    Pair{"name", "text"},
    Pair{"name", "character varying"},
};

bool prints_alike_everywhere(std::string_view base) {
  return one_of(base,
                {"smallint", "integer", "bigint", "numeric", "boolean", "uuid", "inet", "cidr",
                 "macaddr", "macaddr8", "json", "jsonb", "character varying", "name"});
}

}  // namespace

bool metadata_only(const catalog::Server& server, const catalog::Table& table,
                   const catalog::Column& column, const catalog::Type& target) {
  if (column.generated != catalog::GeneratedKind::none) return false;
  if (!binary_alike(shape_of(column.type), shape_of(target.name), server.all_time_zones_utc)) {
    return false;
  }
  // timestamp and timestamptz have operator classes of their own: an index is built again.
  const bool same_order = shape_of(column.type).base != "timestamp without time zone" ||
                          shape_of(target.name).base == "timestamp without time zone";
  const bool indexes =
      std::all_of(table.indexes.begin(), table.indexes.end(), [&](const catalog::Index& index) {
        return !reads(index.reads, column.name) || (same_order && index_is_kept(index));
      });
  return indexes && constraints_are_kept(table, column.name);
}

bool cast_cannot_fail(std::string_view from_type, std::string_view to_type) {
  const auto from = shape_of(from_type);
  const auto to = shape_of(to_type);
  if (from_type == to_type || same_base_widens(from, to)) return true;
  if (from.base == "character varying" && to.base == "text") return true;
  if (from.base == "text" && to.base == "character varying") return to.modifiers.empty();
  if (!to.modifiers.empty()) return false;
  if (one_of(to.base, {"text", "character varying"}) && prints_alike_everywhere(from.base)) {
    return true;
  }
  return std::any_of(lossless.begin(), lossless.end(), [&](const Pair& pair) {
    return pair.from == from.base && pair.to == to.base;
  });
}

}  // namespace lockkeeper::plan
