// A kubeconfig file, read strictly: what it asks for and we cannot do is refused with its path.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dbcore/base/result.h"
#include "operator/kube/credentials.h"

namespace lockkeeper::kube {

struct ExecPlugin {
  std::string api_version{};
  std::string command{};
  std::vector<std::string> arguments{};
  std::vector<std::pair<std::string, std::string>> environment{};
  std::string install_hint{};
  bool provide_cluster_info = false;
  std::filesystem::path folder{};  // of the kubeconfig: a relative command with a slash starts here
};

struct Kubeconfig {
  std::string server{};
  std::string ns{};
  std::string ca_pem{};
  std::filesystem::path ca_file{};  // that ca_pem was read from; empty: it stands in the text
  std::string server_name{};
  bool insecure = false;
  std::optional<http::ClientIdentity> identity{};
  std::string token{};
  std::filesystem::path token_file{};
  std::optional<ExecPlugin> exec{};
};

base::Result<Kubeconfig> read_kubeconfig(const KubeconfigChoice& choice);

}  // namespace lockkeeper::kube
