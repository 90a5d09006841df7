#include "operator/cli/plan.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "dbcore/engine/engine.h"
#include "dbcore/plan/codec.h"
#include "operator/cli/connect.h"
#include "operator/cli/documents.h"

namespace lockkeeper::cli {
namespace {

using crds::Json;

base::Result<plan::Plan> make(const base::Context& ctx, engine::Engine& engine,
                              const crds::Migration& migration, const PlanVerb& verb) {
  const crds::MigrationSpec& spec = migration.spec;
  const execute::Identity identity{
      spec.target.schema.empty() ? verb.database.schema : spec.target.schema,
      migration.metadata.ns + "/" + migration.metadata.name};
  return engine.plan(ctx, identity, spec.operations,
                     {spec.safety.allow.begin(), spec.safety.allow.end()});
}

void print_human(const Console& console, const crds::Migration& migration, const plan::Plan& plan,
                 const std::string& where) {
  console.out << fmt::format("Migration {}/{} on {}, schema {}\n\n", migration.metadata.ns,
                             migration.metadata.name, where, plan.schema)
              << plan::to_text(plan);
  if (plan.has_hazard() && migration.spec.safety.approval != crds::ApprovalPolicy::never) {
    console.out << "needs approval: --approve " << plan.hash << '\n';
  }
}

base::Result<Json> to_json(const crds::Migration& migration, const plan::Plan& plan) {
  TRY(Json whole, crds::parse_json(plan::to_json(plan)));
  return Json{{"namespace", migration.metadata.ns},
              {"name", migration.metadata.name},
              {"hash", plan.hash},
              {"hazards", plan.has_hazard()},
              {"plan", std::move(whole)}};
}

base::Result<void> print_plans(const base::Context& ctx, const Console& console,
                               const PlanVerb& verb) {
  TRY(const Documents documents, read_documents(verb.file));
  for (const std::string& other : documents.ignored) {
    print_note(console, other + " in the file is not a Migration: left out");
  }
  TRY(const auto pool, open_pool(verb.database));
  engine::Engine engine(pool);
  Json results = Json::array();
  for (const crds::Migration& migration : documents.migrations) {
    auto made = make(ctx, engine, migration, verb);
    if (!made) return std::move(made).error().within("Migration " + migration.metadata.name);
    if (verb.output == Output::human) {
      print_human(console, migration, *made, pool->endpoint().display());
      continue;
    }
    TRY(Json json, to_json(migration, *made));
    results.push_back(std::move(json));
  }
  if (verb.output == Output::json) console.out << Json{{"plans", results}}.dump(2) << '\n';
  return base::ok();
}

}  // namespace

ExitCode plan(const base::Context& ctx, const Console& console, const PlanVerb& verb) {
  const auto printed = print_plans(ctx, console, verb);
  if (printed) return exit_done;
  print_error(console, printed.error());
  return exit_code_of(printed.error());
}

}  // namespace lockkeeper::cli
