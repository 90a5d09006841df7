#include "operator/cli/status.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "operator/cli/ledger_view.h"

namespace lockkeeper::cli {
namespace {

using crds::Json;

// NAMESPACE/NAME, or NAME in whatever namespace.
bool is_called(const execute::Record& record, const std::string& name) {
  return name.empty() || record.identity.name == name || record.identity.name.ends_with("/" + name);
}

base::Result<void> print_json(const Console& console, const std::vector<execute::Record>& records) {
  Json list = Json::array();
  for (const execute::Record& record : records) {
    TRY(Json json, record_json(record, false));
    list.push_back(std::move(json));
  }
  console.out << Json{{"migrations", list}}.dump(2) << '\n';
  return base::ok();
}

base::Result<void> print(const base::Context& ctx, const Console& console, const StatusVerb& verb) {
  TRY(std::vector<execute::Record> records, read_ledger(ctx, verb.database));
  std::erase_if(records, [&](const auto& record) { return !is_called(record, verb.name); });
  if (records.empty() && !verb.name.empty()) {
    return base::invalid(fmt::format("the ledger knows no Migration {}", verb.name));
  }
  if (verb.output == Output::json) return print_json(console, records);
  if (records.empty()) {
    console.out << "no Migration has run on this database\n";
    return base::ok();
  }
  console.out << ledger_table(records);
  if (!verb.name.empty()) {
    for (const execute::Record& record : records) console.out << record_text(record);
  }
  return base::ok();
}

}  // namespace

ExitCode status(const base::Context& ctx, const Console& console, const StatusVerb& verb) {
  const auto printed = print(ctx, console, verb);
  if (printed) return exit_done;
  print_error(console, printed.error());
  return exit_code_of(printed.error());
}

}  // namespace lockkeeper::cli
