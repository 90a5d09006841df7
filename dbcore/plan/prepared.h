// A table's draft when all operations are read: names chosen, maps completed, twins known. What
// the emitters make steps of.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dbcore/plan/draft.h"
#include "dbcore/plan/router.h"
#include "dbcore/plan/twins.h"

namespace lockkeeper::plan {

// CHECK (c IS NOT NULL) that spares SET NOT NULL its scan.
struct Proof {
  const ColumnDraft* column = nullptr;
  std::string name;
};

struct Prepared {
  TableDraft* table = nullptr;
  Routing routing;
  Twins twins;
  std::vector<Proof> proofs;
  std::vector<const catalog::View*> views;  // dropped and made again at contract, innermost first
  std::vector<Relation> descendants;        // INHERITS children at any depth (not partitions)
  std::vector<Relation> leaves;             // to visit one by one; empty: the table itself
  std::vector<std::string> key;

  [[nodiscard]] sql::QualifiedName name() const { return table->start->name; }
  [[nodiscard]] bool partitioned() const {
    return table->start->kind == catalog::TableKind::partitioned;
  }
  // Columns that live until contract only.
  [[nodiscard]] std::vector<std::string> passing_columns() const;
  // Columns that expand adds.
  [[nodiscard]] std::vector<std::string> added_columns() const;
};

base::Result<Prepared> prepare(Draft& draft, TableDraft& table);

// The partitions that hold a table's rows; empty for one that is not partitioned.
std::vector<Relation> leaf_relations(const catalog::Catalog& catalog, const catalog::Table& table);

// Unique index without NULLs whose columns address a row: the primary key, else the narrowest.
std::vector<std::string> row_key(const catalog::Table& table);

}  // namespace lockkeeper::plan
