#include "operator/cli/run_migrations.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "operator/cli/reporter.h"

namespace lockkeeper::cli {
namespace {

using crds::Json;

ExitCode code_of(Ending ending) {
  if (ending == Ending::done) return exit_done;
  return ending == Ending::waiting ? exit_waiting : exit_failed;
}

void print_hazards(const Console& console, const crds::Migration& migration) {
  if (!migration.status.plan) return;
  for (const crds::HazardStatus& hazard : migration.status.plan->hazards) {
    console.err << fmt::format("  hazard {} in {}: {}\n", hazard.rule, hazard.step, hazard.message);
  }
}

// The operator's hints speak of objects in a cluster; where we have one of our own, theirs is left.
std::string fact_of(const std::string& message) {
  return message.substr(0, message.find("; hint: "));
}

void print_judgement(const Console& console, const crds::Migration& migration,
                     const Judgement& judgement) {
  const auto& status = migration.status;
  console.out << fmt::format("{}/{}: {}: {}\n", migration.metadata.ns, migration.metadata.name,
                             to_string(status.phase.value_or(crds::Phase::pending)),
                             judgement.hint.empty() ? status.message : fact_of(status.message));
  if (judgement.ending == Ending::waiting) print_hazards(console, migration);
  if (!judgement.hint.empty()) console.out << "  hint: " << judgement.hint << '\n';
}

Json to_json(const crds::Migration& migration, const Judgement& judgement) {
  Json json = {{"namespace", migration.metadata.ns},
               {"name", migration.metadata.name},
               {"result", std::string(to_string(judgement.ending))},
               {"status", crds::write(migration.status)}};
  if (!judgement.hint.empty()) json["hint"] = judgement.hint;
  return json;
}

class Run {
 public:
  Run(const base::Context& ctx, const Console& console, RunRequest& request)
      : ctx_(ctx),
        console_(console),
        request_(request),
        run_(ctx, request.documents.migrations, request.database) {}

  ExitCode work() {
    if (const auto opened = run_.open(request_.database); !opened) return failed(opened.error());
    Json results = Json::array();
    ExitCode code = exit_done;
    for (const reconcile::Key& key : run_.keys()) {
      const auto judgement = drive(key);
      if (!judgement) {
        code = failed(judgement.error());
        break;
      }
      if (request_.output == Output::json)
        results.push_back(to_json(run_.at(key), *judgement));
      else
        print_judgement(console_, run_.at(key), *judgement);
      code = code_of(judgement->ending);
      if (code != exit_done) break;
    }
    if (request_.output == Output::json) {
      console_.out << Json{{"migrations", results}}.dump(2) << '\n';
    }
    return code;
  }

 private:
  base::Result<Judgement> drive(const reconcile::Key& key) {
    Reporter reporter(console_);
    return run_.drive(key, request_.judge, request_.wait, [&](const crds::Migration& migration) {
      if (request_.output == Output::human) reporter.show(migration, ctx_.clock().now());
    });
  }

  ExitCode failed(const base::Error& error) {
    print_error(console_, error);
    if (error.code == base::ErrorCode::cancelled) {
      print_note(console_, "the ledger knows how far it is: run the same again to go on");
    }
    return exit_code_of(error);
  }

  const base::Context& ctx_;
  const Console& console_;
  RunRequest& request_;
  LocalRun run_;
};

}  // namespace

ExitCode run_migrations(const base::Context& ctx, const Console& console, RunRequest request) {
  for (const std::string& other : request.documents.ignored) {
    print_note(console, other + " in the file is not a Migration: left out");
  }
  return Run(ctx, console, request).work();
}

}  // namespace lockkeeper::cli
