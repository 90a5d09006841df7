#include "dbcore/catalog/catalog.h"

#include <algorithm>

namespace lockkeeper::catalog {
namespace {

template <typename T>
const T* by_name(const std::vector<T>& all, std::string_view name) {
  const auto found = std::ranges::find(all, name, &T::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

const Column* Table::column(std::string_view column_name) const {
  return by_name(columns, column_name);
}

const Index* Table::index(std::string_view index_name) const {
  return by_name(indexes, index_name);
}

const Constraint* Table::constraint(std::string_view constraint_name) const {
  return by_name(constraints, constraint_name);
}

const Table* Catalog::table(std::string_view name) const {
  const auto found = tables.find(std::string(name));
  return found == tables.end() ? nullptr : &found->second;
}

}  // namespace lockkeeper::catalog
