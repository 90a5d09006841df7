#include "operator/cli/uninstall.h"

#include <fmt/format.h>

#include <algorithm>

#include "operator/cli/connect.h"
#include "operator/cli/ledger_view.h"

namespace lockkeeper::cli {
namespace {

bool is_over(const execute::Record& record) {
  return record.state == execute::State::completed || record.state == execute::State::rolled_back;
}

base::Result<ExitCode> remove(const base::Context& ctx, const Console& console,
                              const UninstallVerb& verb) {
  TRY(const auto pool, open_pool(verb.database));
  TRY(const auto session, pool->acquire(ctx));
  TRY(const bool there, has_ledger(ctx, *session));
  if (!there) {
    console.out << "nothing of Lockkeeper is in this database\n";
    return exit_done;
  }
  TRY(const auto records, execute::journal::list(ctx, *session));
  console.out << fmt::format("schema lockkeeper: the ledger of {} Migrations\n", records.size());
  if (!records.empty()) console.out << ledger_table(records);
  if (!std::all_of(records.begin(), records.end(), is_over)) {
    console.out << "some are not over: their tables hold columns and triggers that only the ledger "
                   "knows\n  hint: let them complete, or roll them back\n";
    return exit_waiting;
  }
  if (!verb.yes) {
    console.out
        << "nothing was removed\n  hint: `lockkeeper ledger` exports it, --yes removes it\n";
    return exit_done;
  }
  TRY_OK(execute::journal::uninstall(ctx, *session));
  console.out << "removed\n";
  return exit_done;
}

}  // namespace

ExitCode uninstall(const base::Context& ctx, const Console& console, const UninstallVerb& verb) {
  const auto removed = remove(ctx, console, verb);
  if (removed) return *removed;
  print_error(console, removed.error());
  return exit_code_of(removed.error());
}

}  // namespace lockkeeper::cli
