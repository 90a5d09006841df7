#include "operator/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <cstring>
#include <map>
#include <sstream>

#include "crds/duration.h"

namespace lockkeeper::cli {
namespace {

constexpr std::string_view url_option = "--database-url";

void hide_value(char* value) {
  std::memset(value, 'x', std::strlen(value));
}

void hide_urls(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == url_option && i + 1 < argc) hide_value(argv[i + 1]);
    if (argument.starts_with(url_option) && argument.size() > url_option.size() &&
        argument[url_option.size()] == '=') {
      hide_value(argv[i] + url_option.size() + 1);
    }
  }
}

// Milliseconds written as 500ms, 10m, 72h30m.
CLI::Validator duration_text() {
  return CLI::Validator(
      [](const std::string& text) {
        return crds::parse_duration(text)
                   ? std::string()
                   : "\"" + text + "\" is not a duration such as 500ms or 10m";
      },
      "DURATION");
}

class Parser {
 public:
  Parser()
      : app_("Takes PostgreSQL schemas from one version to the next with no outage.",
             "lockkeeper") {
    app_.require_subcommand(1);
    app_.footer("Exit codes: 0 done, 1 failed, 2 bad usage, 3 waiting for somebody.");
    add_operator();
    add_plan();
    add_apply();
    add_rollback();
    add_status();
    add_ledger();
    add_uninstall();
    add_version();
  }

  CommandLine parse(int argc, char** argv) {
    CommandLine result;
    try {
      app_.parse(argc, argv);
      result.verb = chosen();
    } catch (const CLI::ParseError& error) {
      std::ostringstream out;
      std::ostringstream problem;
      result.exit_code = app_.exit(error, out, problem) == 0 ? exit_done : exit_usage;
      result.text = out.str() + problem.str();
    }
    return result;
  }

 private:
  Verb chosen() {
    if (operator_->parsed()) return operator_options_;
    if (plan_->parsed()) return finish(plan_options_);
    if (apply_->parsed()) return finish(apply_options_);
    if (rollback_->parsed()) return finish(rollback_options_);
    if (status_->parsed()) return finish(status_options_);
    if (ledger_->parsed()) return ledger_options_;
    if (uninstall_->parsed()) return uninstall_options_;
    return finish(version_options_);
  }

  template <typename T>
  T finish(T verb) const {
    verb.output = output_ == "json" ? Output::json : Output::human;
    if constexpr (requires { verb.wait; }) {
      if (const auto wait = crds::parse_duration(wait_)) verb.wait = *wait;
    }
    if constexpr (requires { verb.until; }) verb.until = until();
    return verb;
  }

  [[nodiscard]] std::optional<crds::Until> until() const {
    for (const crds::Until until :
         {crds::Until::expand, crds::Until::switch_traffic, crds::Until::contract}) {
      if (to_string(until) == until_) return until;
    }
    return {};
  }

  void add_file(CLI::App& verb, std::string& file) {
    verb.add_option("-f,--filename", file, "manifest with Migrations; -: standard input")
        ->required();
  }

  void add_output(CLI::App& verb) {
    verb.add_option("-o,--output", output_, "human or json")
        ->check(CLI::IsMember({"human", "json"}))
        ->capture_default_str();
  }

  void add_wait(CLI::App& verb) {
    verb.add_option("--wait", wait_,
                    "how long to wait for somebody before leaving with exit code 3")
        ->check(duration_text())
        ->capture_default_str();
  }

  static void add_database(CLI::App& verb, DatabaseOptions& options) {
    verb.add_option(std::string(url_option), options.url,
                    "postgresql://user@host:port/dbname; its password may come from $PGPASSWORD or "
                    "~/.pgpass")
        ->envname("LOCKKEEPER_DATABASE_URL")
        ->required();
    verb.add_option("--role", options.role, "role to SET ROLE to, such as the owner of the tables");
  }

  static void add_migration_database(CLI::App& verb, DatabaseOptions& options) {
    add_database(verb, options);
    verb.add_option("--schema", options.schema, "schema of Migrations that name none")
        ->capture_default_str();
    verb.add_flag("--allow-superuser", options.allow_superuser, "go on even as a superuser");
  }

  void add_plan() {
    plan_ = app_.add_subcommand(
        "plan", "show each step with its lock, duration class, hazards and SQL; changes nothing");
    add_file(*plan_, plan_options_.file);
    add_migration_database(*plan_, plan_options_.database);
    add_output(*plan_);
  }

  void add_apply() {
    apply_ = app_.add_subcommand(
        "apply", "run Migrations against a database, without a cluster; again goes on");
    add_file(*apply_, apply_options_.file);
    add_migration_database(*apply_, apply_options_.database);
    apply_
        ->add_option("--until", until_,
                     "Expand, Switch or Contract; left out: Expand if something is to be "
                     "contracted")
        ->check(CLI::IsMember({"Expand", "Switch", "Contract"}));
    apply_->add_option("--approve", apply_options_.approve,
                       "hash of the plan that is approved, as `plan` shows it");
    add_wait(*apply_);
    add_output(*apply_);
  }

  void add_rollback() {
    rollback_ = app_.add_subcommand("rollback", "go back to the old shape, until contract begins");
    add_file(*rollback_, rollback_options_.file);
    add_migration_database(*rollback_, rollback_options_.database);
    rollback_->add_flag("--force", rollback_options_.force,
                        "do not wait for sessions of the new version");
    add_wait(*rollback_);
    add_output(*rollback_);
  }

  void add_status() {
    status_ = app_.add_subcommand("status", "show what the ledger in the database knows");
    status_->add_option("name", status_options_.name, "NAMESPACE/NAME or NAME (default: all)");
    add_database(*status_, status_options_.database);
    add_output(*status_);
  }

  void add_ledger() {
    ledger_ = app_.add_subcommand("ledger", "the ledger in the database");
    auto* print = ledger_->add_flag("--print-sql", ledger_options_.print_sql,
                                    "print what makes it, for a DBA to run");
    auto* url = ledger_
                    ->add_option(std::string(url_option), ledger_options_.database.url,
                                 "export it as JSON from here")
                    ->envname("LOCKKEEPER_DATABASE_URL");
    ledger_->add_option("--role", ledger_options_.database.role, "role to SET ROLE to");
    ledger_->callback([print, url] {
      if (print->count() == 0 && url->count() == 0) {
        throw CLI::RequiredError("--print-sql or --database-url", CLI::ExitCodes::RequiredError);
      }
    });
  }

  void add_uninstall() {
    uninstall_ = app_.add_subcommand("uninstall", "tell what Lockkeeper keeps in a database");
    add_database(*uninstall_, uninstall_options_.database);
    uninstall_->add_flag("--yes", uninstall_options_.yes, "remove it");
  }

  void add_version() {
    version_ = app_.add_subcommand("version", "print the version");
    add_output(*version_);
  }

  void add_operator();
  void add_operator_addresses();
  void add_operator_log();

  CLI::App app_;
  CLI::App* operator_ = nullptr;
  CLI::App* plan_ = nullptr;
  CLI::App* apply_ = nullptr;
  CLI::App* rollback_ = nullptr;
  CLI::App* status_ = nullptr;
  CLI::App* ledger_ = nullptr;
  CLI::App* uninstall_ = nullptr;
  CLI::App* version_ = nullptr;
  app::OperatorOptions operator_options_;
  PlanVerb plan_options_;
  ApplyVerb apply_options_;
  RollbackVerb rollback_options_;
  StatusVerb status_options_;
  LedgerVerb ledger_options_;
  UninstallVerb uninstall_options_;
  VersionVerb version_options_;
  std::string output_ = "human";
  std::string until_;
  std::string wait_ = "10s";
};

void Parser::add_operator() {
  app::OperatorOptions& options = operator_options_;
  operator_ = app_.add_subcommand("operator", "run the Kubernetes operator");
  operator_->add_option("--kubeconfig", options.kubeconfig,
                        "kubeconfig file (default: $KUBECONFIG, then the pod's ServiceAccount)");
  operator_->add_option("--context", options.context, "context of the kubeconfig");
  operator_
      ->add_flag("--leader-elect", options.leader_elect,
                 "act only while holding the Lease; --leader-elect=false for a lonely operator")
      ->capture_default_str();
  operator_
      ->add_option("--leader-election-namespace", options.leader_election_namespace,
                   "namespace of the Lease")
      ->capture_default_str();
  operator_->add_option("--namespaces", options.namespaces, "namespaces to watch (default: all)")
      ->delimiter(',');
  operator_->add_option("--workers", options.workers, "objects reconciled at once, of each kind")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  operator_->add_option("--allow-check-host", options.allow_check_hosts,
                        "host that a check may ask although it is local or the API server");
  add_operator_addresses();
  add_operator_log();
}

void Parser::add_operator_addresses() {
  app::OperatorOptions& options = operator_options_;
  operator_
      ->add_option("--metrics-bind-address", options.metrics_bind_address,
                   "address of /metrics; 0: none")
      ->capture_default_str();
  operator_->add_flag("--insecure-metrics", options.insecure_metrics,
                      "serve metrics as plain HTTP and ask nobody for a token");
  operator_
      ->add_option("--health-probe-bind-address", options.health_probe_bind_address,
                   "address of /healthz, /livez and /readyz; 0: none")
      ->capture_default_str();
  operator_
      ->add_option("--gates-bind-address", options.gates_bind_address,
                   "address of /gates/v1/...; 0: none")
      ->capture_default_str();
  operator_->add_option("--tls-cert-file", options.certificate_file,
                        "certificate of metrics and gates (default: self-signed)");
  operator_->add_option("--tls-private-key-file", options.key_file, "its key");
}

void Parser::add_operator_log() {
  app::OperatorOptions& options = operator_options_;
  const std::map<std::string, base::LogLevel> levels{{"debug", base::LogLevel::debug},
                                                     {"info", base::LogLevel::info},
                                                     {"warn", base::LogLevel::warn},
                                                     {"error", base::LogLevel::error}};
  operator_->add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->transform(CLI::CheckedTransformer(levels));
  const std::map<std::string, base::LogFormat> formats{{"json", base::LogFormat::json},
                                                       {"text", base::LogFormat::text}};
  operator_->add_option("--log-format", options.log_format, "json or text")
      ->transform(CLI::CheckedTransformer(formats));
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine result = Parser().parse(argc, argv);
  hide_urls(argc, argv);
  return result;
}

}  // namespace lockkeeper::cli
