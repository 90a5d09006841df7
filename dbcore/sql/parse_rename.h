// Renaming column references: in the tree, which says what is meant, and in the text, which must
// spell it. Only parse*.cc includes this.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dbcore/sql/parse_tree.h"

namespace lockkeeper::sql::parse::detail {

using NameMap = std::map<std::string, std::string>;

class Renamer {
 public:
  // `prefix`: bytes that stand before the scanned text in what was parsed. A qualifier, when not
  // empty, is put before every reference.
  Renamer(const Scan& scan, std::size_t prefix, std::string_view qualifier = {})
      : scan_(&scan), prefix_(prefix), qualifier_(qualifier) {}

  // All references below the node. False when one is qualified, a whole row or in a subquery, and
  // so cannot be renamed with certainty.
  bool rename(PgQuery__Node& node, const NameMap& names);
  // A name that the tree holds as a plain string and that is spelled by this token.
  void replace(char*& slot, std::size_t token, std::string_view name);
  void add(Edit edit) { edits_.push_back(std::move(edit)); }

  [[nodiscard]] std::vector<Edit> take_edits() { return std::move(edits_); }

 private:
  bool rename_reference(PgQuery__ColumnRef& column, const NameMap& names);
  [[nodiscard]] std::string spelled(const std::string& name) const;

  const Scan* scan_;
  std::size_t prefix_;
  std::string_view qualifier_;
  std::vector<Edit> edits_;
};

}  // namespace lockkeeper::sql::parse::detail
