// argv and nothing else: which verb, with which options. Each verb's work stands elsewhere.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include "dbcore/base/version.h"
#include "operator/app.h"

namespace lockkeeper {
namespace {

void add_operator(CLI::App& parent, app::OperatorOptions& options) {
  CLI::App* verb = parent.add_subcommand("operator", "run the Kubernetes operator");
  verb->add_option("--kubeconfig", options.kubeconfig,
                   "kubeconfig file (default: $KUBECONFIG, then the pod's ServiceAccount)");
  verb->add_option("--context", options.context, "context of the kubeconfig");
  verb->add_option("--leader-elect", options.leader_elect, "act only while holding the Lease")
      ->capture_default_str();
  verb->add_option("--leader-election-namespace", options.leader_election_namespace,
                   "namespace of the Lease")
      ->capture_default_str();
  verb->add_option("--metrics-bind-address", options.metrics_bind_address,
                   "address of /metrics; 0: none")
      ->capture_default_str();
  verb->add_flag("--insecure-metrics", options.insecure_metrics,
                 "serve metrics as plain HTTP and ask nobody for a token");
  verb->add_option("--health-probe-bind-address", options.health_probe_bind_address,
                   "address of /healthz, /livez and /readyz; 0: none")
      ->capture_default_str();
  verb->add_option("--gates-bind-address", options.gates_bind_address,
                   "address of /gates/v1/...; 0: none")
      ->capture_default_str();
  verb->add_option("--tls-cert-file", options.certificate_file,
                   "certificate of metrics and gates (default: self-signed)");
  verb->add_option("--tls-private-key-file", options.key_file, "its key");
  verb->add_option("--namespaces", options.namespaces, "namespaces to watch (default: all)")
      ->delimiter(',');
  verb->add_option("--workers", options.workers, "objects reconciled at once, of each kind")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  const std::map<std::string, base::LogLevel> levels{{"debug", base::LogLevel::debug},
                                                     {"info", base::LogLevel::info},
                                                     {"warn", base::LogLevel::warn},
                                                     {"error", base::LogLevel::error}};
  verb->add_option("--log-level", options.log_level, "debug, info, warn or error")
      ->transform(CLI::CheckedTransformer(levels));
  const std::map<std::string, base::LogFormat> formats{{"json", base::LogFormat::json},
                                                       {"text", base::LogFormat::text}};
  verb->add_option("--log-format", options.log_format, "json or text")
      ->transform(CLI::CheckedTransformer(formats));
  verb->add_option("--allow-check-host", options.allow_check_hosts,
                   "host that a check may ask although it is local or the API server");
}

int run(int argc, char** argv) {
  CLI::App parser("Rolls PostgreSQL schemas forward with no outage.", "lockkeeper");
  parser.require_subcommand(1);
  app::OperatorOptions options;
  add_operator(parser, options);
  parser.add_subcommand("version", "print the version");
  try {
    parser.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return parser.exit(error) == 0 ? 0 : 2;
  }
  if (parser.got_subcommand("version")) {
    std::printf("%s\n", std::string(base::version()).c_str());
    return 0;
  }
  return app::run_operator(options);
}

}  // namespace
}  // namespace lockkeeper

int main(int argc, char** argv) {
  int result = 1;
  try {
    result = lockkeeper::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lockkeeper: %s\n", error.what());
  }
  // The HTTP library's pool threads must not meet destructors of statics.
  std::fflush(nullptr);
  _exit(result);
}
