// Who may read the metrics, asked of a real API server under the operator's own rights.
#include <gtest/gtest.h>

#include "operator/http/transport.h"
#include "operator/kube/files.h"
#include "operator/server/endpoints.h"
#include "tests/operator/cluster.h"

namespace lockkeeper::server {
namespace {

using support::ControlPlane;

class MetricsOverHttps : public ::testing::Test {
 protected:
  MetricsOverHttps() : plane_(ControlPlane::shared()) {
    plane_.install();
    ns_ = plane_.create_namespace(false);
    client_ = kube::client_of(plane_.operator_kubeconfig());
    Routes routes;
    add_metrics(
        routes, [] { return std::string("x 1\n"); }, token_review(*client_));
    Options options;
    options.bind = "127.0.0.1:0";
    auto started = Server::start(running_.context(), options, std::move(routes));
    EXPECT_TRUE(started.ok());
    server_ = std::move(started).value();
  }
  ~MetricsOverHttps() override { running_.stop(); }

  [[nodiscard]] std::string token_of(const std::string& account) const {
    plane_.kubectl({"-n", ns_, "create", "serviceaccount", account});
    return kube::trimmed(plane_.kubectl({"-n", ns_, "create", "token", account}));
  }
  [[nodiscard]] http::Response ask(const std::string& token) const {
    http::Tls tls;
    tls.verify = false;  // it signed its certificate itself
    auto transport =
        http::make_transport({"https://127.0.0.1:" + std::to_string(server_->port()), tls});
    EXPECT_TRUE(transport.ok());
    http::Request request;
    request.target = "/metrics";
    if (!token.empty()) request.headers.emplace_back("Authorization", "Bearer " + token);
    auto answer = (*transport)->send(running_.context(), request);
    EXPECT_TRUE(answer.ok()) << answer.error().text();
    return answer.ok() ? *answer : http::Response{};
  }

  ControlPlane& plane_;
  std::string ns_;
  kube::Running running_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<Server> server_;
};

TEST_F(MetricsOverHttps, NobodyWithoutAToken) {
  EXPECT_EQ(ask("").status, 401);
  EXPECT_EQ(ask("made-up").status, 401);
}

TEST_F(MetricsOverHttps, OnlyWhoHasTheRight) {
  const std::string stranger = token_of("stranger");
  EXPECT_EQ(ask(stranger).status, 403);
  const std::string reader = token_of("prometheus");
  plane_.kubectl({"create", "clusterrolebinding", ns_ + "-metrics",
                  "--clusterrole=lockkeeper-metrics-reader",
                  "--serviceaccount=" + ns_ + ":prometheus"});
  const auto answer = ask(reader);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body, "x 1\n");
}

}  // namespace
}  // namespace lockkeeper::server
