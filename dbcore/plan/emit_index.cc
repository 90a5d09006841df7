#include <fmt/format.h>

#include <algorithm>

#include "dbcore/plan/emit.h"
#include "dbcore/plan/index_builds.h"
#include "dbcore/sql/parse.h"

namespace lockkeeper::plan {
namespace {

using sql::Fragment;

// Whether the index reads a column whose place is not the last one while both versions run.
bool needs_passing_twin(const IndexDraft& index, const std::map<std::string, std::string>& now,
                        const std::map<std::string, std::string>& last) {
  const auto moved = [&](const std::string& name) {
    const auto place = now.find(name);
    return place != now.end() && place->second != last.at(name);
  };
  for (const auto& element : index.definition.columns) {
    if (!element.name.empty() && moved(element.name)) return true;
  }
  for (const auto& name : index.definition.include) {
    if (moved(name)) return true;
  }
  std::set<std::string> read;
  for (const auto& expression : index.expressions) {
    read.insert(expression.columns.begin(), expression.columns.end());
  }
  if (index.where) read.insert(index.where->columns.begin(), index.where->columns.end());
  return std::any_of(read.begin(), read.end(), moved);
}

IndexBuild build_of(const Prepared& prepared, const IndexDraft& index, std::string name,
                    std::string id, std::string summary,
                    const std::map<std::string, std::string>& places) {
  IndexBuild build;
  build.name = std::move(name);
  build.id = std::move(id);
  build.summary = std::move(summary);
  build.operations = {index.operation};
  const auto key = unique_key(index, places);
  if (index.definition.unique && key.ok()) {
    build.diagnosis = [&prepared, key = *key](const sql::QualifiedName& table) {
      return rows_that_collide(prepared, table, key);
    };
  }
  build.create = [&index, places](const std::string& as, const sql::QualifiedName& table,
                                  bool concurrent, bool on_only) {
    return create_index(index, as, table, places, concurrent, on_only);
  };
  return build;
}

base::Result<void> emit_new(Draft& draft, const Prepared& prepared, const IndexDraft& index,
                            Steps& steps) {
  const auto now = prepared.table->new_places();
  const auto last = prepared.table->last_places();
  const auto& name = index.definition.name;
  TRY_OK(emit_build(
      draft.start(), prepared,
      build_of(prepared, index, name, "index-" + name,
               fmt::format("build index {} on {}", name, prepared.table->display()), last),
      steps));
  if (!needs_passing_twin(index, now, last)) return base::ok();
  const auto twin = draft.names().next();
  return emit_build(
      draft.start(), prepared,
      build_of(prepared, index, twin, "twin-" + name,
               fmt::format("build index {} by the new names, until contract", name), now),
      steps);
}

// Of plain columns only: what an expression reads stands nowhere but in its text.
std::optional<UniqueKey> key_of(const IndexTwin& twin) {
  const auto& index = *twin.index;
  if (!index.unique || index.partial) return {};
  UniqueKey key{{}, {}, index.nulls_not_distinct};
  for (const auto& element : index.keys) {
    if (element.name.empty()) return {};
    const auto moved = twin.columns.find(element.name);
    key.elements.push_back(column_name(moved == twin.columns.end() ? element.name : moved->second));
  }
  return key;
}

IndexBuild build_of(const Prepared& prepared, const IndexTwin& twin) {
  IndexBuild build;
  build.name = twin.name;
  build.id = fmt::format("{}-{}", twin.lasts ? "rebuild" : "twin", twin.index->name);
  build.summary = fmt::format("build a twin of index {} on {}", twin.index->name,
                              twin.lasts ? "the column that stays" : "the new column");
  build.operations = prepared.table->operations;
  if (const auto key = key_of(twin)) {
    build.diagnosis = [&prepared, key = *key](const sql::QualifiedName& table) {
      return rows_that_collide(prepared, table, key);
    };
  }
  build.create = [&twin](const std::string& as, const sql::QualifiedName& table, bool concurrent,
                         bool on_only) -> base::Result<Fragment> {
    (void)on_only;  // the catalog's own definition says it
    sql::parse::Retarget change;
    change.name = as;
    change.columns = twin.columns;
    change.table = table;
    change.concurrently = concurrent;
    return sql::parse::retarget(twin.index->definition, change);
  };
  return build;
}

}  // namespace

base::Result<void> emit_indexes(Draft& draft, const Prepared& prepared, Steps& steps) {
  for (const auto& twin : prepared.twins.indexes) {
    TRY_OK(emit_build(draft.start(), prepared, build_of(prepared, twin), steps));
  }
  for (const auto& index : prepared.table->indexes) {
    TRY_OK(emit_new(draft, prepared, index, steps));
  }
  return base::ok();
}

}  // namespace lockkeeper::plan
