// From operations and a catalog to a Plan: a value that carries the fingerprint of the schema it
// was made for and a hash over what will run. Pure: no database; what only the server can judge
// comes out as probes, which plan/probe.h runs. Thread-safe.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "dbcore/base/result.h"
#include "dbcore/catalog/inspect.h"
#include "dbcore/plan/operation.h"
#include "dbcore/plan/step.h"

namespace lockkeeper::plan {

inline constexpr int format_version = 1;

// A question to the server that decides whether an operation is valid; run inside a read-only
// transaction that is rolled back.
struct Probe {
  std::string path;  // spec.operations[2].changeType.up
  std::string sql;   // must succeed; class 42 and 22 errors make the operation invalid
  // When not empty: sql is a SELECT of one boolean, and this is the error when it is not true.
  std::string complaint;
  std::string hint;
  bool operator==(const Probe&) const = default;
};

struct Plan {
  int format = format_version;
  std::string schema;  // target schema
  std::vector<Step> steps;
  std::vector<Finding> findings;   // hazards and notices
  std::vector<Relation> tables;    // that it touches: what it claims
  std::vector<std::string> facts;  // of the schema it was made for
  std::string fingerprint;
  std::string hash;           // SHA-256 over canonical steps and fingerprint
  std::vector<Probe> probes;  // not part of the hash
  bool operator==(const Plan&) const = default;

  [[nodiscard]] bool has_hazard() const;
  // Whether a contract stage would take something from the old version.
  [[nodiscard]] bool breaks_old_version() const;
};

struct Options {
  std::set<std::string> allow;  // safety.allow
  std::string rollout_id;       // 8 hex digits for the names nobody should see
};

// What must be read before make() can judge these operations. invalid when an operation does not
// even parse (path in the error).
base::Result<catalog::Request> request(const std::string& schema,
                                       const std::vector<Operation>& operations);

base::Result<Plan> make(const std::vector<Operation>& operations, const catalog::Catalog& catalog,
                        const Options& options);

// 8 hex digits from the migration's identity: the same for every plan of it.
std::string rollout_id(const std::string& schema, const std::string& migration);

}  // namespace lockkeeper::plan
