// Who we are to which API server. Thread-safe.
//
// Sources, as kubectl knows them: the token of the pod's ServiceAccount (read again each minute,
// the kubelet rotates it), or a kubeconfig file: cluster CA, client certificate, token, token file,
// exec plugin (client.authentication.k8s.io/v1). What a file asks for and we cannot do (proxy-url,
// auth-provider, username/password) is refused with its path, never ignored.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dbcore/base/context.h"
#include "dbcore/base/result.h"
#include "operator/http/transport.h"

namespace lockkeeper::kube {

class Credentials {
 public:
  virtual ~Credentials() = default;

  [[nodiscard]] virtual const std::string& server() const = 0;  // base URL
  [[nodiscard]] virtual const std::string& ns() const = 0;      // default namespace, or ""
  [[nodiscard]] virtual http::Tls tls() const = 0;              // identity refers to this object
  // "Bearer ..." or nullopt; renews what has expired, so it may run an exec plugin.
  [[nodiscard]] virtual base::Result<std::optional<std::string>> authorization(
      const base::Context& ctx) = 0;
  // The server said 401: do not use what is cached again.
  virtual void reject() = 0;
};

struct KubeconfigChoice {
  std::filesystem::path path{};
  std::string context{};  // empty: current-context
  // What KUBECONFIG lists after the first. As kubectl merges them: of two entries of a name the
  // first counts, relative paths start at their own file, files that do not exist are passed over.
  std::vector<std::filesystem::path> more{};
};

// precondition when this process is not in a pod (no environment, no token file).
base::Result<std::shared_ptr<Credentials>> in_cluster_credentials();
// invalid, with the path inside the file, for what cannot be used.
base::Result<std::shared_ptr<Credentials>> kubeconfig_credentials(const KubeconfigChoice& choice);
// The file given; else $KUBECONFIG (its files, merged); else the pod's; else ~/.kube/config.
base::Result<std::shared_ptr<Credentials>> find_credentials(const KubeconfigChoice& choice);

}  // namespace lockkeeper::kube
