// Runs a credential plugin (client.authentication.k8s.io) and reads what it prints.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "dbcore/base/context.h"
#include "dbcore/base/result.h"
#include "operator/http/transport.h"
#include "operator/kube/kubeconfig.h"

namespace lockkeeper::kube {

struct ExecCredential {
  std::string token{};
  std::optional<http::ClientIdentity> identity{};
  std::optional<std::chrono::system_clock::time_point> expires{};
};

// The plugin gets our environment and its own variables, no input, and a minute; it is killed when
// the context is stopped. Its stderr ends up in the error, its stdout never does. precondition: it
// could not be run, failed, or printed something else.
base::Result<ExecCredential> run_exec_plugin(const base::Context& ctx, const ExecPlugin& plugin,
                                             const Kubeconfig& cluster);

// For tests: what the plugin printed, as a credential.
base::Result<ExecCredential> parse_exec_credential(const std::string& text);

}  // namespace lockkeeper::kube
