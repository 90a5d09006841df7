#include <gtest/gtest.h>

#include "tests/support/await.h"
#include "tests/support/control_plane.h"

namespace lockkeeper::support {
namespace {

TEST(ControlPlaneTest, ADeploymentGetsReadyPods) {
  auto& plane = ControlPlane::shared();
  const auto ns = plane.create_namespace(false);
  plane.apply(
      R"({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": ")" +
      ns + R"("}, "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "d"}},
      "template": {"metadata": {"labels": {"app": "d"}},
        "spec": {"nodeName": "node-a", "containers": [{"name": "c", "image": "example.com/d"}]}}}})");
  EXPECT_TRUE(
      await([&] { return plane.get(ns, "deployment/d", "{.status.readyReplicas}") == "2"; }));
}

TEST(ControlPlaneTest, AServiceAccountHasItsOwnRightsOnly) {
  auto& plane = ControlPlane::shared();
  const auto config = plane.service_account_kubeconfig("default", "default");
  const auto whoami = plane.kubectl({"--kubeconfig", config, "auth", "whoami"});
  EXPECT_NE(whoami.find("system:serviceaccount:default:default"), std::string::npos) << whoami;
  EXPECT_NE(plane.try_kubectl({"--kubeconfig", config, "get", "secrets"}).exit_code, 0);
}

TEST(ControlPlaneTest, TheApiServerComesBackWithItsObjects) {
  ControlPlane plane;
  const auto ns = plane.create_namespace(false);
  plane.halt("apiserver");
  EXPECT_NE(plane.try_kubectl({"get", "namespace", ns}).exit_code, 0);
  plane.resume("apiserver");
  EXPECT_NE(plane.kubectl({"get", "namespace", ns}).find("Active"), std::string::npos);
}

}  // namespace
}  // namespace lockkeeper::support
