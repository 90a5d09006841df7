#include <nlohmann/json.hpp>
#include <stdexcept>

#include "operator/kube/credentials.h"
#include "tests/operator/cluster.h"
#include "tests/support/await.h"

namespace lockkeeper::kube {
namespace {

constexpr const char* crd = R"({
  "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
  "metadata": {"name": "widgets.test.lockkeeper.dev"},
  "spec": {"group": "test.lockkeeper.dev", "scope": "Namespaced",
    "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
    "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
      "schema": {"openAPIV3Schema": {"type": "object", "properties": {
        "spec": {"type": "object", "properties": {"size": {"type": "integer"},
          "padding": {"type": "string"}}},
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}]}})";

constexpr const char* keeper = R"(
apiVersion: v1
kind: ServiceAccount
metadata: {name: keeper, namespace: NS}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: keeper, namespace: NS}
rules:
- {apiGroups: [test.lockkeeper.dev], resources: [widgets, widgets/status], verbs: ["*"]}
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update]}
- {apiGroups: [events.k8s.io], resources: [events], verbs: [create, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: keeper, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: keeper}
subjects: [{kind: ServiceAccount, name: keeper, namespace: NS}]
)";

}  // namespace

base::Result<Widget> decode_widget(const Json& object) {
  const Json& spec = object.at("spec");
  if (!spec.contains("size")) {
    return base::invalid("must be set").with_path("spec.size");
  }
  return Widget{object.at("metadata").at("name").get<std::string>(), spec.at("size").get<int>()};
}

Json widget(const std::string& ns, const std::string& name, int size) {
  return {{"apiVersion", "test.lockkeeper.dev/v1"},
          {"kind", "Widget"},
          {"metadata", {{"name", name}, {"namespace", ns}}},
          {"spec", {{"size", size}}}};
}

void install_widgets(support::ControlPlane& plane) {
  plane.apply(crd);
  plane.kubectl({"wait", "--for=condition=Established", "crd/widgets.test.lockkeeper.dev"});
  const bool served = support::await([&] {
    return plane.try_kubectl({"get", "widgets", "-A"}).exit_code == 0;
  });
  if (!served) throw std::runtime_error("widgets are not served");
}

std::string widget_keeper(support::ControlPlane& plane, const std::string& ns) {
  std::string text = keeper;
  for (auto at = text.find("NS"); at != std::string::npos; at = text.find("NS")) {
    text.replace(at, 2, ns);
  }
  plane.apply(text);
  return plane.service_account_kubeconfig(ns, "keeper");
}

std::unique_ptr<Client> client_of(const std::string& kubeconfig, ClientOptions options) {
  auto credentials = kubeconfig_credentials({.path = kubeconfig});
  if (!credentials.ok()) throw std::runtime_error(credentials.error().text());
  auto client = make_client(*credentials, std::move(options));
  if (!client.ok()) throw std::runtime_error(client.error().text());
  return std::move(client).value();
}

}  // namespace lockkeeper::kube
