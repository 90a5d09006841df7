#include "operator/kube/credentials.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "dbcore/base/mutex.h"
#include "operator/kube/files.h"

namespace lockkeeper::kube {
namespace {

const std::filesystem::path pod_folder = "/var/run/secrets/kubernetes.io/serviceaccount";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// "a:b"; empty parts name nothing.
std::vector<std::filesystem::path> split_paths(std::string_view list) {
  std::vector<std::filesystem::path> paths;
  while (!list.empty()) {
    const auto end = std::min(list.find(':'), list.size());
    if (end > 0) paths.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return paths;
}

class PodCredentials final : public Credentials {
 public:
  PodCredentials(std::string server, std::string ns, std::string ca_pem)
      : server_(std::move(server)),
        ns_(std::move(ns)),
        ca_pem_(std::move(ca_pem)),
        ca_(std::make_shared<RotatedFile>(pod_folder / "ca.crt")),
        token_(pod_folder / "token") {}

  [[nodiscard]] const std::string& server() const override { return server_; }
  [[nodiscard]] const std::string& ns() const override { return ns_; }
  [[nodiscard]] http::Tls tls() const override {
    http::Tls tls;
    tls.ca_pem = ca_pem_;
    tls.ca_source = ca_source(ca_);
    return tls;
  }
  base::Result<std::optional<std::string>> authorization(const base::Context& ctx) override {
    TRY(const std::string token, token_.read(ctx.clock()));
    return std::optional<std::string>("Bearer " + token);
  }
  void reject() override { token_.reject(); }

 private:
  const std::string server_;
  const std::string ns_;
  const std::string ca_pem_;
  const std::shared_ptr<RotatedFile> ca_;
  RotatedFile token_;
};

}  // namespace

base::Result<std::shared_ptr<Credentials>> in_cluster_credentials() {
  std::string host = environment("KUBERNETES_SERVICE_HOST");
  const std::string port = environment("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    return base::precondition("not in a pod")
        .with_hint("give --kubeconfig, or set KUBECONFIG, to run outside of a cluster");
  }
  // The HTTP library cannot connect to an IPv6 literal; the name is in every API server's
  // certificate.
  if (host.find(':') != std::string::npos) host = "kubernetes.default.svc";
  TRY(std::string ca, read_file(pod_folder / "ca.crt"));
  TRY(const std::string token, read_file(pod_folder / "token"));
  if (token.empty()) return base::precondition("the pod's service account token is empty");
  auto ns = read_file(pod_folder / "namespace");
  return std::shared_ptr<Credentials>(std::make_shared<PodCredentials>(
      "https://" + host + ":" + port, ns.ok() ? trimmed(*ns) : "", std::move(ca)));
}

base::Result<std::shared_ptr<Credentials>> find_credentials(const KubeconfigChoice& choice) {
  if (!choice.path.empty()) return kubeconfig_credentials(choice);
  if (const std::string path = environment("KUBECONFIG"); !path.empty()) {
    auto paths = split_paths(path);
    if (paths.empty()) return base::invalid("KUBECONFIG names no file");
    KubeconfigChoice merged{.path = paths.front(), .context = choice.context};
    merged.more.assign(paths.begin() + 1, paths.end());
    return kubeconfig_credentials(merged);
  }
  auto pod = in_cluster_credentials();
  if (pod.ok() || !environment("KUBERNETES_SERVICE_HOST").empty()) return pod;
  const std::filesystem::path home = environment("HOME");
  const auto path = home / ".kube" / "config";
  std::error_code ignored;
  if (!home.empty() && std::filesystem::exists(path, ignored)) {
    return kubeconfig_credentials({.path = path, .context = choice.context});
  }
  return base::precondition("no cluster to talk to")
      .with_detail("not in a pod, KUBECONFIG is not set, and ~/.kube/config does not exist")
      .with_hint("give --kubeconfig");
}

}  // namespace lockkeeper::kube
