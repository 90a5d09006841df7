// One relation whose rows are visited in ranges: of its key, or of its blocks when it has none.
// Values; the functions that ask the server are stateless.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dbcore/base/context.h"
#include "dbcore/plan/step.h"
#include "dbcore/sql/session.h"
#include "dbcore/sql/statement.h"

namespace lockkeeper::backfill {

// A key as the texts of its columns, or one block number.
using Position = std::vector<std::string>;

// Keys: (after, upto]. Blocks: [after, upto). Empty: from the start; to the end.
struct Span {
  std::optional<Position> after;
  std::optional<Position> upto;
};

struct KeyColumn {
  std::string name;
  std::string type;       // as a cast takes it
  std::string operators;  // schema of its comparison operators
  bool operator==(const KeyColumn&) const = default;
};

struct Target {
  plan::Relation relation;
  bool only = false;           // its children are targets of their own
  std::vector<KeyColumn> key;  // empty: blocks
  std::int64_t blocks = 0;     // when it was looked at
  std::string file;            // pg_relation_filenode: VACUUM FULL and CLUSTER change it
  double rows = 0;             // an estimate

  // ONLY "schema"."name"
  [[nodiscard]] sql::Fragment table() const;
  [[nodiscard]] bool by_key() const { return !key.empty(); }
};

// A predicate with the values that it binds, numbered from `first`.
struct Predicate {
  std::string text;
  std::vector<std::string> values;
};
Predicate in_span(const Target& target, const Span& span, int first = 1);

// The whole relation; nullopt when it holds nothing.
base::Result<std::optional<Span>> extent(const base::Context& ctx, sql::Session& session,
                                         const Target& target);
// The end of the first `units` (rows or blocks) of a span; nullopt when the rest is less.
base::Result<std::optional<Position>> boundary(const base::Context& ctx, sql::Session& session,
                                               const Target& target, const Span& span,
                                               std::int64_t units);
// Splits a span into about `parts` of equal size, from a sample.
base::Result<std::vector<Span>> split(const base::Context& ctx, sql::Session& session,
                                      const Target& target, const Span& whole, int parts);

// The relations that hold the rows of a table now: itself, or its partitions and children.
base::Result<std::vector<Target>> targets_of(const base::Context& ctx, sql::Session& session,
                                             const plan::Relation& table,
                                             const std::vector<std::string>& key);

// "id=17, part=eu"
std::string display(const Target& target, const Position& key);

// Binds `values` to a statement.
void bind_all(sql::Statement& statement, const std::vector<std::string>& values);

}  // namespace lockkeeper::backfill
