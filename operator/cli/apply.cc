#include "operator/cli/apply.h"

#include "operator/cli/run_migrations.h"

namespace lockkeeper::cli {
namespace {

// What the same file says for a cluster, as it is without one: there is no traffic to be moved, and
// only the command line raises `until`.
void adapt(const Console& console, const ApplyVerb& verb, crds::Migration& migration) {
  crds::MigrationSpec& spec = migration.spec;
  if (spec.switch_spec) {
    print_note(console, "spec.switch of " + migration.metadata.name +
                            " needs a cluster: you switch the application yourself");
    spec.switch_spec.reset();
  }
  spec.until = verb.until;
  spec.rollback = false;
  if (!verb.approve.empty()) spec.approval.plan_hash = verb.approve;
}

}  // namespace

ExitCode apply(const base::Context& ctx, const Console& console, const ApplyVerb& verb) {
  auto documents = read_documents(verb.file);
  if (!documents) {
    print_error(console, documents.error());
    return exit_failed;
  }
  for (crds::Migration& migration : documents->migrations) adapt(console, verb, migration);
  return run_migrations(ctx, console,
                        {.documents = std::move(*documents),
                         .database = verb.database,
                         .output = verb.output,
                         .wait = verb.wait,
                         .judge = [&ctx, until = verb.until](const crds::Migration& migration) {
                           return judge_apply(
                               migration, until,
                               std::chrono::floor<std::chrono::seconds>(ctx.clock().wall()));
                         }});
}

}  // namespace lockkeeper::cli
