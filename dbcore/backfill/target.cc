#include "dbcore/backfill/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace lockkeeper::backfill {
namespace {

using base::Result;
using sql::Fragment;
using sql::Identifier;

constexpr std::string_view catalog_schema = "pg_catalog";

std::string quoted(const std::string& name) {
  return Identifier::trusted(name).quoted();
}

bool plain(const Target& target) {
  return std::ranges::all_of(
      target.key, [](const KeyColumn& column) { return column.operators == catalog_schema; });
}

std::string parameter(const KeyColumn& column, int number) {
  return fmt::format("CAST(${} AS {})", number, column.type);
}

std::string compare(const KeyColumn& column, std::string_view sign, int number) {
  return fmt::format("{} OPERATOR({}.{}) {}", quoted(column.name), quoted(column.operators), sign,
                     parameter(column, number));
}

// Types of extensions keep their operators elsewhere, and a row comparison finds one name only: the
// comparison is written out. The first column is bounded by itself so that an index serves it.
std::string compare_in_order(const Target& target, std::string_view strict, std::string_view sign,
                             int first) {
  std::string out;
  const auto last = static_cast<int>(target.key.size()) - 1;
  for (int i = last; i >= 0; --i) {
    const KeyColumn& column = target.key[static_cast<std::size_t>(i)];
    if (i == last) {
      out = compare(column, sign, first + i);
    } else {
      out = fmt::format("({} OR ({} AND {}))", compare(column, strict, first + i),
                        compare(column, "=", first + i), out);
    }
  }
  if (last == 0) return out;
  return fmt::format("{} AND {}", compare(target.key[0], std::string(strict) + "=", first), out);
}

std::string compare_as_row(const Target& target, std::string_view sign, int first) {
  std::string columns;
  std::string values;
  for (const KeyColumn& column : target.key) {
    if (!columns.empty()) {
      columns += ", ";
      values += ", ";
    }
    columns += quoted(column.name);
    values += parameter(column, first++);
  }
  if (target.key.size() == 1) return fmt::format("{} {} {}", columns, sign, values);
  return fmt::format("ROW({}) {} ROW({})", columns, sign, values);
}

Predicate in_key_span(const Target& target, const Span& span, int first) {
  Predicate out;
  const auto add = [&](const Position& bound, std::string_view strict, std::string_view sign) {
    const int number = first + static_cast<int>(out.values.size());
    if (!out.text.empty()) out.text += " AND ";
    out.text += plain(target) ? compare_as_row(target, sign, number)
                              : compare_in_order(target, strict, sign, number);
    out.values.insert(out.values.end(), bound.begin(), bound.end());
  };
  if (span.after) add(*span.after, ">", ">");
  if (span.upto) add(*span.upto, "<", "<=");
  if (out.text.empty()) out.text = "true";
  return out;
}

Predicate in_block_span(const Span& span, int first) {
  Predicate out;
  const auto add = [&](const Position& bound, std::string_view sign) {
    const int number = first + static_cast<int>(out.values.size());
    if (!out.text.empty()) out.text += " AND ";
    out.text += fmt::format("ctid {} CAST(${} AS pg_catalog.tid)", sign, number);
    out.values.push_back(fmt::format("({},0)", bound.front()));
  };
  if (span.after) add(*span.after, ">=");
  if (span.upto) add(*span.upto, "<");
  if (out.text.empty()) out.text = "true";
  return out;
}

std::int64_t block_of(const std::optional<Position>& position) {
  std::int64_t value = 0;
  if (!position || position->empty()) return value;
  const std::string& text = position->front();
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Position block_position(std::int64_t block) {
  return {std::to_string(block)};
}

std::string key_texts(const Target& target) {
  std::string out;
  for (const KeyColumn& column : target.key) {
    if (!out.empty()) out += ", ";
    out += fmt::format("CAST({} AS pg_catalog.text)", quoted(column.name));
  }
  return out;
}

// Qualified: a bare name would mean the text of the select list, in the order of texts.
std::string key_order(const Target& target, std::string_view direction) {
  std::string out;
  for (const KeyColumn& column : target.key) {
    if (!out.empty()) out += ", ";
    out += fmt::format("t.{} {}", quoted(column.name), direction);
  }
  return out;
}

Position key_of(const sql::Row& row, const Target& target) {
  Position out;
  out.reserve(target.key.size());
  for (std::size_t i = 0; i < target.key.size(); ++i) out.push_back(row.text(static_cast<int>(i)));
  return out;
}

Result<std::vector<KeyColumn>> key_columns(const base::Context& ctx, sql::Session& session,
                                           std::uint32_t relation,
                                           const std::vector<std::string>& names) {
  // The comparison operators are those of a unique index that has the column in this place.
  sql::Statement ask(
      "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),"
      " coalesce((SELECT n.nspname FROM pg_catalog.pg_index i"
      "   JOIN pg_catalog.pg_opclass c ON c.oid = i.indclass[k.place::int - 1]"
      "   JOIN pg_catalog.pg_am am ON am.oid = c.opcmethod AND am.amname = 'btree'"
      "   JOIN pg_catalog.pg_amop o ON o.amopfamily = c.opcfamily AND o.amopstrategy = 5"
      "    AND o.amoplefttype = c.opcintype AND o.amoprighttype = c.opcintype"
      "   JOIN pg_catalog.pg_operator p ON p.oid = o.amopopr"
      "   JOIN pg_catalog.pg_namespace n ON n.oid = p.oprnamespace"
      "   WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid"
      "    AND i.indkey[k.place::int - 1] = a.attnum LIMIT 1), 'pg_catalog')"
      " FROM pg_catalog.unnest($2::pg_catalog.text[]) WITH ORDINALITY AS k(name, place)"
      " JOIN pg_catalog.pg_attribute a ON a.attname = k.name AND a.attrelid = $1::pg_catalog.oid"
      "  AND NOT a.attisdropped ORDER BY k.place");
  ask.bind(relation).bind(std::span<const std::string>(names));
  TRY(const auto rows, session.execute(ctx, ask));
  std::vector<KeyColumn> out;
  for (const sql::Row row : rows) out.push_back({row.text(0), row.text(1), row.text(2)});
  if (out.size() != names.size()) {
    return base::precondition("a key column of the plan is not in the table any more")
        .with_reason("Drift");
  }
  return out;
}

Result<std::vector<Span>> split_blocks(const Span& whole, int parts) {
  const std::int64_t from = block_of(whole.after);
  const std::int64_t to = block_of(whole.upto);
  std::vector<Span> out;
  for (int i = 0; i < parts; ++i) {
    const std::int64_t low = from + (to - from) * i / parts;
    const std::int64_t high = from + (to - from) * (i + 1) / parts;
    if (low < high) out.push_back({block_position(low), block_position(high)});
  }
  return out;
}

// Keys that cut a sample of some ten thousand rows into equal parts.
Result<std::vector<Position>> sampled_cuts(const base::Context& ctx, sql::Session& session,
                                           const Target& target, int parts) {
  constexpr double wanted_rows = 20'000;
  const double percent = std::clamp(100.0 * wanted_rows / std::max(target.rows, 1.0), 0.01, 100.0);
  const std::string text = fmt::format(
      "SELECT {0} FROM (SELECT *, pg_catalog.row_number() OVER (ORDER BY {1}) AS _lk_place,"
      " pg_catalog.count(*) OVER () AS _lk_all FROM {2} AS t TABLESAMPLE SYSTEM ({3})) sample"
      " WHERE _lk_place IN (SELECT _lk_all * part / $1::bigint"
      "  FROM pg_catalog.generate_series(1, $1::bigint - 1) part) ORDER BY _lk_place",
      key_texts(target), key_order(target, "ASC"), target.table().text(), percent);
  sql::Statement ask{Fragment::trusted(text)};
  ask.bind(parts);
  TRY(const auto rows, session.execute(ctx, ask));
  std::vector<Position> out;
  for (const sql::Row row : rows) out.push_back(key_of(row, target));
  return out;
}

}  // namespace

Fragment Target::table() const {
  return Fragment::trusted((only ? "ONLY " : "") + relation.qualified().quoted());
}

void bind_all(sql::Statement& statement, const std::vector<std::string>& values) {
  for (const std::string& value : values) statement.bind(value);
}

Predicate in_span(const Target& target, const Span& span, int first) {
  return target.by_key() ? in_key_span(target, span, first) : in_block_span(span, first);
}

Result<std::optional<Span>> extent(const base::Context& ctx, sql::Session& session,
                                   const Target& target) {
  if (!target.by_key()) {
    if (target.blocks == 0) return std::optional<Span>();
    return std::optional<Span>(Span{block_position(0), block_position(target.blocks)});
  }
  const sql::Statement ask{
      Fragment::trusted(fmt::format("SELECT {} FROM {} AS t ORDER BY {} LIMIT 1", key_texts(target),
                                    target.table().text(), key_order(target, "DESC")))};
  TRY(const auto rows, session.execute(ctx, ask));
  if (rows.empty()) return std::optional<Span>();
  return std::optional<Span>(Span{std::nullopt, key_of(rows[0], target)});
}

Result<std::optional<Position>> boundary(const base::Context& ctx, sql::Session& session,
                                         const Target& target, const Span& span,
                                         std::int64_t units) {
  if (!target.by_key()) {
    const std::int64_t end = block_of(span.after) + units;
    if (end >= block_of(span.upto)) return std::optional<Position>();
    return std::optional<Position>(block_position(end));
  }
  const Predicate range = in_span(target, span);
  sql::Statement ask{Fragment::trusted(fmt::format(
      "SELECT {} FROM {} AS t WHERE {} ORDER BY {} OFFSET {} LIMIT 1", key_texts(target),
      target.table().text(), range.text, key_order(target, "ASC"), units - 1))};
  bind_all(ask, range.values);
  TRY(const auto rows, session.execute(ctx, ask));
  if (rows.empty()) return std::optional<Position>();
  return std::optional<Position>(key_of(rows[0], target));
}

Result<std::vector<Span>> split(const base::Context& ctx, sql::Session& session,
                                const Target& target, const Span& whole, int parts) {
  if (parts <= 1) return std::vector<Span>{whole};
  if (!target.by_key()) return split_blocks(whole, parts);
  TRY(const auto cuts, sampled_cuts(ctx, session, target, parts));
  std::vector<Span> out;
  std::optional<Position> low = whole.after;
  for (const Position& cut : cuts) {
    if (cut == low || cut == whole.upto) continue;
    out.push_back({low, cut});
    low = cut;
  }
  out.push_back({low, whole.upto});
  return out;
}

Result<std::vector<Target>> targets_of(const base::Context& ctx, sql::Session& session,
                                       const plan::Relation& table,
                                       const std::vector<std::string>& key) {
  sql::Statement ask(
      "WITH RECURSIVE tree(oid) AS (SELECT $1::pg_catalog.oid UNION"
      " SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid)"
      " SELECT c.oid, n.nspname, c.relname,"
      " pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint,"
      " coalesce(pg_catalog.pg_relation_filenode(c.oid), 0), c.reltuples, c.relpages,"
      " (SELECT pg_catalog.count(*) FROM tree)"
      " FROM tree JOIN pg_catalog.pg_class c ON c.oid = tree.oid AND c.relkind = 'r'"
      " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY n.nspname, c.relname");
  ask.bind(table.oid);
  TRY(const auto rows, session.execute(ctx, ask));
  std::vector<Target> out;
  for (const sql::Row row : rows) {
    Target target;
    target.relation = {static_cast<std::uint32_t>(row.integer(0)), row.text(1), row.text(2), false};
    target.only = row.integer(7) > 1;
    target.blocks = row.integer(3);
    target.file = row.text(4);
    // Rows per block as of the last ANALYZE; before the first one, what 100-byte rows would be.
    constexpr double unknown_density = 70;
    const double density = row.real(5) > 0 && row.integer(6) > 0
                               ? row.real(5) / static_cast<double>(row.integer(6))
                               : unknown_density;
    target.rows = density * static_cast<double>(target.blocks);
    TRY(target.key, key_columns(ctx, session, target.relation.oid, key));
    out.push_back(std::move(target));
  }
  return out;
}

std::string display(const Target& target, const Position& key) {
  std::string out;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (i > 0) out += ", ";
    out += (i < target.key.size() ? target.key[i].name : std::string("ctid")) + "=" + key[i];
  }
  return out;
}

}  // namespace lockkeeper::backfill
