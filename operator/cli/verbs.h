// What the command line asked for: one struct per verb. Values. The operator's own options are in
// operator/options.h.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "crds/migration.h"
#include "operator/options.h"

namespace lockkeeper::cli {

enum class Output { human, json };

// What programs that call us go by.
enum ExitCode : int {
  exit_done = 0,
  exit_failed = 1,
  exit_usage = 2,
  exit_waiting = 3,  // for somebody: the message says for whom
};

struct DatabaseOptions {
  std::string url;                // --database-url, else $LOCKKEEPER_DATABASE_URL
  std::string role;               // SET ROLE; empty: who connects
  std::string schema = "public";  // of Migrations that name none
  bool allow_superuser = false;
};

struct PlanVerb {
  std::string file;  // "-": standard input
  DatabaseOptions database;
  Output output = Output::human;
};

struct ApplyVerb {
  std::string file;
  DatabaseOptions database;
  Output output = Output::human;
  std::optional<crds::Until> until;        // empty: Expand if something is to be contracted
  std::string approve;                     // plan hash
  std::chrono::milliseconds wait{10'000};  // for somebody, before it ends with exit_waiting
};

struct RollbackVerb {
  std::string file;
  DatabaseOptions database;
  Output output = Output::human;
  bool force = false;  // does not wait for the new version's sessions
  std::chrono::milliseconds wait{10'000};
};

struct StatusVerb {
  std::string name;  // NAMESPACE/NAME or NAME; empty: all
  DatabaseOptions database;
  Output output = Output::human;
};

struct LedgerVerb {
  bool print_sql = false;  // else: the ledger as JSON
  DatabaseOptions database;
};

struct UninstallVerb {
  DatabaseOptions database;
  bool yes = false;  // else: only tell what would go
};

struct VersionVerb {
  Output output = Output::human;
};

using Verb = std::variant<app::OperatorOptions, PlanVerb, ApplyVerb, RollbackVerb, StatusVerb,
                          LedgerVerb, UninstallVerb, VersionVerb>;

}  // namespace lockkeeper::cli
