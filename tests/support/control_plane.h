// A real Kubernetes control plane of the test's own: etcd, kube-apiserver, controller manager, kwok
// with the fake node "node-a" (pods name it), started by controlplane/controlplane.sh.
//
//   auto& plane = ControlPlane::shared();            // one per test program, about 5 s
//   plane.install();                                 // manifests/: CRDs, RBAC, ServiceAccount
//   const auto ns = plane.create_namespace();        // fresh, opened to the operator
//   plane.apply(R"({"apiVersion": ...})");           // as admin
//   plane.kubectl({"-n", ns, "get", "lkm", "-o", "name"})
//   plane.operator_kubeconfig()                      // of ServiceAccount lockkeeper, by
//   TokenRequest
//
// Failures throw std::runtime_error with kubectl's output. Not thread-safe, but kubectl() may be
// called from any thread. A test that stops a server makes its own ControlPlane.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/process.h"

namespace lockkeeper::support {

class ControlPlane {
 public:
  // audit_policy: a file for the API server's audit log, which audit_log() gives.
  explicit ControlPlane(const std::filesystem::path& audit_policy = {});
  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  static ControlPlane& shared();
  static void stop_shared();

  // kubectl apply --server-side -k manifests, once, and waits until our kinds are served.
  void install();
  // opened: with the RoleBinding that lets the operator work in it.
  std::string create_namespace(bool opened = true);

  // Output of kubectl as cluster admin; throws when it fails.
  std::string kubectl(const std::vector<std::string>& arguments,
                      const std::string& input = "") const;
  // The same, but failure is a value.
  [[nodiscard]] ProcessResult try_kubectl(const std::vector<std::string>& arguments,
                                          const std::string& input = "") const;
  // Server-side apply of YAML or JSON documents, at most 60 kB.
  void apply(const std::string& documents) const;
  // A field by JSONPath, as get(ns, "lkm/users", "{.status.phase}"); "" when it is not set.
  [[nodiscard]] std::string get(const std::string& ns, const std::string& object,
                                const std::string& jsonpath) const;

  // Body of a GET as cluster admin, for what is asked again and again: it costs no kubectl. "" when
  // the answer is not 200, or there is none.
  [[nodiscard]] std::string read(const std::string& path) const;

  [[nodiscard]] std::filesystem::path admin_kubeconfig() const {
    return folder_ / "admin.kubeconfig";
  }
  // A new token each time; the ServiceAccount must exist.
  [[nodiscard]] std::filesystem::path operator_kubeconfig() const;
  [[nodiscard]] std::filesystem::path service_account_kubeconfig(const std::string& ns,
                                                                 const std::string& name) const;
  [[nodiscard]] int port() const;

  // etcd, apiserver, kcm or kwok.
  void restart(const std::string& server) const;
  void halt(const std::string& server) const;
  void resume(const std::string& server) const;

  [[nodiscard]] std::string audit_log() const;
  [[nodiscard]] std::string server_log(const std::string& server) const;

 private:
  [[nodiscard]] std::string script(const std::vector<std::string>& arguments,
                                   std::chrono::milliseconds timeout) const;

  std::filesystem::path folder_;
  std::string kubectl_;
  bool installed_ = false;
  mutable std::unique_ptr<Process> reader_;  // kubectl proxy, from the first read() on
  mutable int reader_port_ = 0;
};

}  // namespace lockkeeper::support
