// What `lockkeeper operator` was told on its command line. A value.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dbcore/base/log.h"

namespace lockkeeper::app {

struct OperatorOptions {
  std::filesystem::path kubeconfig;  // empty: $KUBECONFIG, the pod's ServiceAccount, ~/.kube/config
  std::string context;               // of the kubeconfig; empty: its current-context
  bool leader_elect = true;
  std::string leader_election_namespace = "lockkeeper-system";
  std::string metrics_bind_address = ":8443";       // "0": none
  bool insecure_metrics = false;                    // plain HTTP, nobody is asked for a token
  std::string health_probe_bind_address = ":8081";  // "0": none
  std::string gates_bind_address = "0";             // "0": none; the Deployment names one
  std::filesystem::path certificate_file;           // of metrics and gates; empty: self-signed
  std::filesystem::path key_file;
  std::vector<std::string> namespaces;  // watched; empty: all
  int workers = 4;                      // reconciles at once, per kind
  base::LogLevel log_level = base::LogLevel::info;
  base::LogFormat log_format = base::LogFormat::json;
  std::vector<std::string> allow_check_hosts;  // hosts that checks may ask although refused
};

}  // namespace lockkeeper::app
