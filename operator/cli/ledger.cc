#include "operator/cli/ledger.h"

#include <nlohmann/json.hpp>

#include "operator/cli/ledger_view.h"

namespace lockkeeper::cli {
namespace {

base::Result<void> export_ledger(const base::Context& ctx, const Console& console,
                                 const LedgerVerb& verb) {
  TRY(const auto records, read_ledger(ctx, verb.database));
  crds::Json list = crds::Json::array();
  for (const execute::Record& record : records) {
    TRY(crds::Json json, record_json(record, true));
    list.push_back(std::move(json));
  }
  console.out << crds::Json{{"ledger", list}}.dump(2) << '\n';
  return base::ok();
}

}  // namespace

ExitCode ledger(const base::Context& ctx, const Console& console, const LedgerVerb& verb) {
  if (verb.print_sql) {
    console.out << execute::journal::install_sql() << '\n';
    return exit_done;
  }
  const auto exported = export_ledger(ctx, console, verb);
  if (exported) return exit_done;
  print_error(console, exported.error());
  return exit_code_of(exported.error());
}

}  // namespace lockkeeper::cli
