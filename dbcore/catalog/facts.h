// Writes facts, one line each: "<kind> <name>: <what is so>". Used by fingerprint.cc alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dbcore/catalog/catalog.h"

namespace lockkeeper::catalog::detail {

// Appends to lines. The catalog must outlive it. Oids are never written: names are.
class FactWriter {
 public:
  FactWriter(const Catalog& catalog, std::vector<std::string>& lines)
      : catalog_(&catalog), lines_(&lines) {}

  void table(const Table& table);
  // What hangs on a table that was asked for: read for those alone.
  void ties(const Table& table);
  void view(const View& view);

 private:
  void add(std::string_view kind, const std::string& subject, const std::string& what);
  void column(const Table& table, const Column& column);
  void index(const Table& table, const Index& index);
  void constraint(const Table& table, const Constraint& constraint);
  void trigger(const Table& table, const Trigger& trigger);
  [[nodiscard]] std::string name_of(Oid oid) const;

  const Catalog* catalog_;
  std::vector<std::string>* lines_;
};

}  // namespace lockkeeper::catalog::detail
