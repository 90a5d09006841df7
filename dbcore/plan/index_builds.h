// The steps that build one index beside the traffic: CONCURRENTLY on a table; on a partitioned one
// its empty shell on the parent, CONCURRENTLY per partition, then attached. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dbcore/plan/diagnosis.h"
#include "dbcore/plan/emit.h"

namespace lockkeeper::plan {

struct IndexBuild {
  std::string name;
  std::string id;       // of its steps
  std::string summary;  // for people
  std::vector<std::size_t> operations;
  // CREATE INDEX for this name and table; on_only: the parent's shell.
  std::function<base::Result<sql::Fragment>(
      const std::string& name, const sql::QualifiedName& table, bool concurrent, bool on_only)>
      create;
  // What names the rows that a unique index refuses; may be empty.
  std::function<std::string(const sql::QualifiedName& table)> diagnosis = {};
};

// A partition's part of a partitioned index.
struct IndexPart {
  Relation table;
  std::string name;
  std::string parent;         // index name
  std::string parent_schema;  // where that index is
  bool leaf = true;
};

// Parents before their children.
std::vector<IndexPart> index_parts(const catalog::Catalog& catalog, const catalog::Table& table,
                                   const std::string& index);

base::Result<void> emit_build(const catalog::Catalog& catalog, const Prepared& prepared,
                              const IndexBuild& build, Steps& steps);

// What a unique index of the list takes for a key.
base::Result<UniqueKey> unique_key(const IndexDraft& index,
                                   const std::map<std::string, std::string>& places);

// An index of the list; name and places differ for the twin that lives until contract.
base::Result<sql::Fragment> create_index(const IndexDraft& index, const std::string& name,
                                         const sql::QualifiedName& table,
                                         const std::map<std::string, std::string>& places,
                                         bool concurrent, bool on_only);

}  // namespace lockkeeper::plan
