#include "operator/cli/rollback.h"

#include <algorithm>

#include "operator/cli/run_migrations.h"

namespace lockkeeper::cli {

ExitCode rollback(const base::Context& ctx, const Console& console, const RollbackVerb& verb) {
  auto documents = read_documents(verb.file);
  if (!documents) {
    print_error(console, documents.error());
    return exit_failed;
  }
  auto& migrations = documents->migrations;
  std::reverse(migrations.begin(), migrations.end());
  for (crds::Migration& migration : migrations) {
    crds::MigrationSpec& spec = migration.spec;
    spec.switch_spec.reset();
    spec.suspend = false;
    spec.rollback = true;
    if (verb.force && !spec.safety.forces_rollback()) spec.safety.force.emplace_back("rollback");
  }
  return run_migrations(ctx, console,
                        {.documents = std::move(*documents),
                         .database = verb.database,
                         .output = verb.output,
                         .wait = verb.wait,
                         .judge = judge_rollback});
}

}  // namespace lockkeeper::cli
