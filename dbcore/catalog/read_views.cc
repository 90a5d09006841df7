#include <algorithm>
#include <tuple>

#include "dbcore/catalog/read.h"

namespace lockkeeper::catalog::detail {
namespace {

using sql::Row;
using sql::Rows;

using Reads = std::vector<std::pair<Oid, std::string>>;

// Adds to each view what it reads through the views that it reads. Views do not form cycles.
class Closure {
 public:
  explicit Closure(std::map<Oid, View>& views) : views_(&views) {}

  void complete() {
    for (const auto& [oid, view] : *views_) visit(oid);
  }

 private:
  void visit(Oid oid) {
    if (!done_.insert(oid).second) return;
    View& view = views_->at(oid);
    Reads all = view.reads;
    for (const auto& [read, column] : view.reads) {
      const auto below = views_->find(read);
      if (below == views_->end()) continue;
      visit(read);
      view.depth = std::max(view.depth, below->second.depth + 1);
      all.insert(all.end(), below->second.reads.begin(), below->second.reads.end());
    }
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    view.reads = std::move(all);
  }

  std::map<Oid, View>* views_;
  std::set<Oid> done_;
};

void fill(const Row& row, View& view) {
  view.name = {sql::Identifier::trusted(row.text(1)), sql::Identifier::trusted(row.text(2))};
  view.materialized = row.boolean(3);
  view.definition = row.text(4);
  view.columns = row.array(5);
  view.options = row.array(6);
  view.acl = row.array(7);
  view.owner = row.text(8);
  view.comment = row.text(9);
  const auto names = row.array(10);
  const auto expressions = row.array(11);
  for (std::size_t i = 0; i < std::min(names.size(), expressions.size()); ++i) {
    view.defaults.emplace_back(names[i], expressions[i]);
  }
  view.indexes = row.array(12);
  view.triggers = row.array(13);
}

}  // namespace

std::map<Oid, View> read_view_reads(const Rows& rows) {
  std::map<Oid, View> views;
  for (const Row row : rows) {
    const auto oid = static_cast<Oid>(row.integer(0));
    View& view = views[oid];
    view.oid = oid;
    view.reads.emplace_back(static_cast<Oid>(row.integer(1)), row.text(3));
  }
  Closure(views).complete();
  return views;
}

std::vector<View> read_views(const Rows& rows, std::map<Oid, View> views) {
  std::vector<View> result;
  for (const Row row : rows) {
    const auto found = views.find(static_cast<Oid>(row.integer(0)));
    if (found == views.end()) continue;
    fill(row, found->second);
    result.push_back(std::move(found->second));
  }
  std::ranges::sort(result, [](const View& a, const View& b) {
    return std::tie(a.depth, a.name) < std::tie(b.depth, b.name);
  });
  return result;
}

}  // namespace lockkeeper::catalog::detail
