#include "operator/cli/run.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <iostream>

#include "dbcore/base/version.h"
#include "operator/cli/apply.h"
#include "operator/cli/command_line.h"
#include "operator/cli/ledger.h"
#include "operator/cli/plan.h"
#include "operator/cli/rollback.h"
#include "operator/cli/status.h"
#include "operator/cli/uninstall.h"
#include "operator/signals.h"

namespace lockkeeper::cli {
namespace {

constexpr int usual_width = 80;

Console own_console() {
  Console console{std::cout, std::cerr, isatty(STDERR_FILENO) == 1, usual_width};
  winsize size{};
  if (console.terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    console.width = size.ws_col;
  }
  return console;
}

ExitCode version(const Console& console, const VersionVerb& verb) {
  if (verb.output == Output::json) {
    console.out << "{\"version\":\"" << base::version() << "\"}\n";
  } else {
    console.out << base::version() << '\n';
  }
  return exit_done;
}

struct Dispatch {
  const base::Context& ctx;
  const Console& console;

  ExitCode operator()(const app::OperatorOptions&) const { return exit_usage; }
  ExitCode operator()(const PlanVerb& verb) const { return plan(ctx, console, verb); }
  ExitCode operator()(const ApplyVerb& verb) const { return apply(ctx, console, verb); }
  ExitCode operator()(const RollbackVerb& verb) const { return rollback(ctx, console, verb); }
  ExitCode operator()(const StatusVerb& verb) const { return status(ctx, console, verb); }
  ExitCode operator()(const LedgerVerb& verb) const { return ledger(ctx, console, verb); }
  ExitCode operator()(const UninstallVerb& verb) const { return uninstall(ctx, console, verb); }
  ExitCode operator()(const VersionVerb& verb) const { return version(console, verb); }
};

}  // namespace

ExitCode run_verb(const base::Context& ctx, const Console& console, const Verb& verb) {
  return std::visit(Dispatch{ctx, console}, verb);
}

int run(int argc, char** argv, const RunOperator& run_operator) {
  const CommandLine line = parse_command_line(argc, argv);
  if (!line.verb) {
    (line.exit_code == exit_done ? std::cout : std::cerr) << line.text;
    return line.exit_code;
  }
  if (const auto* options = std::get_if<app::OperatorOptions>(&*line.verb)) {
    return run_operator(*options);
  }
  const Console console = own_console();
  if (std::holds_alternative<VersionVerb>(*line.verb)) return run_verb({}, console, *line.verb);
  // What a verb has to say it says itself; the log of the rooms below is for the operator.
  base::configure_log(base::LogLevel::off, base::LogFormat::text);
  std::stop_source stop;
  const app::Signals signals(stop);
  const base::Context ctx(stop.get_token(), base::Clock::real(), {});
  return run_verb(ctx, console, *line.verb);
}

}  // namespace lockkeeper::cli
