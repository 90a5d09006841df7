// What the client's callers rely on, said by a real API server.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "operator/http/transport.h"
#include "operator/kube/client.h"
#include "operator/kube/events.h"
#include "operator/server/endpoints.h"
#include "tests/operator/cluster.h"
#include "tests/support/await.h"

namespace lockkeeper::kube {
namespace {

using support::await;
using support::ControlPlane;

class ClientE2eTest : public ::testing::Test {
 protected:
  ClientE2eTest() {
    install_widgets(plane_);
    ns_ = plane_.create_namespace(false);
    client_ = client_of(widget_keeper(plane_, ns_));
  }

  Json made(const std::string& name, int size) {
    auto object = client_->create(running_.context(), widgets, ns_, widget(ns_, name, size));
    EXPECT_TRUE(object.ok()) << object.error().text();
    return object.ok() ? *object : Json::object();
  }
  [[nodiscard]] Json status_of(const Json& object, const std::string& phase) const {
    Json status = widget(ns_, object["metadata"]["name"], 0);
    status.erase("spec");
    status["metadata"]["resourceVersion"] = object["metadata"]["resourceVersion"];
    status["status"] = {{"phase", phase}};
    return status;
  }

  ControlPlane& plane_ = ControlPlane::shared();
  std::string ns_;
  Running running_;
  base::Context ctx_ = running_.context();
  std::unique_ptr<Client> client_;
};

TEST_F(ClientE2eTest, AStatusIsAppliedOnlyToTheVersionThatWasRead) {
  const Json read = made("a", 1);
  const ObjectKey key{ns_, "a"};
  const auto first = client_->apply_status(ctx_, widgets, key, status_of(read, "One"));
  ASSERT_TRUE(first.ok()) << first.error().text();
  EXPECT_EQ((*first)["status"]["phase"], "One");
  const auto stale = client_->apply_status(ctx_, widgets, key, status_of(read, "Two"));
  ASSERT_FALSE(stale.ok());
  EXPECT_EQ(stale.error().code, base::ErrorCode::conflict) << stale.error().text();
  const auto same = client_->apply_status(ctx_, widgets, key, status_of(*first, "One"));
  ASSERT_TRUE(same.ok()) << same.error().text();
  EXPECT_EQ((*same)["metadata"]["resourceVersion"], (*first)["metadata"]["resourceVersion"])
      << "a status that did not change is no new version";
}

TEST_F(ClientE2eTest, AnObjectMadeTwiceIsAConflictThatSaysSo) {
  made("a", 1);
  const auto again = client_->create(ctx_, widgets, ns_, widget(ns_, "a", 1));
  ASSERT_FALSE(again.ok());
  EXPECT_TRUE(is_already_exists(again.error()));
  EXPECT_EQ(again.error().code, base::ErrorCode::conflict);
}

TEST_F(ClientE2eTest, AFailedTestInAPatchIsAPrecondition) {
  made("a", 1);
  const Json operation = {{{"op", "test"}, {"path", "/spec/size"}, {"value", 2}},
                          {{"op", "replace"}, {"path", "/spec/size"}, {"value", 3}}};
  const auto patched = client_->json_patch(ctx_, widgets, {ns_, "a"}, operation);
  ASSERT_FALSE(patched.ok());
  EXPECT_TRUE(is_patch_test_failed(patched.error())) << patched.error().text();
  const Json right = {{{"op", "test"}, {"path", "/spec/size"}, {"value", 1}},
                      {{"op", "replace"}, {"path", "/spec/size"}, {"value", 3}}};
  const auto done = client_->json_patch(ctx_, widgets, {ns_, "a"}, right);
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ((*done)["spec"]["size"], 3);
}

TEST_F(ClientE2eTest, ASpecThatTheSchemaRefusesIsInvalidWithItsPath) {
  Json wrong = widget(ns_, "a", 1);
  wrong["spec"]["size"] = "large";
  const auto refused = client_->create(ctx_, widgets, ns_, wrong);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::ErrorCode::invalid);
  EXPECT_NE(refused.error().text().find("spec.size"), std::string::npos) << refused.error().text();
}

TEST_F(ClientE2eTest, WhatRbacForbidsIsAPreconditionThatIsForbidden) {
  const Resource secrets{.group = "", .version = "v1", .plural = "secrets"};
  const auto refused = client_->get(ctx_, secrets, {ns_, "x"});
  ASSERT_FALSE(refused.ok());
  EXPECT_TRUE(is_forbidden(refused.error()));
  EXPECT_EQ(refused.error().code, base::ErrorCode::precondition);
}

TEST_F(ClientE2eTest, DeletionOfAnotherObjectOfTheSameNameIsAConflict) {
  made("a", 1);
  const auto refused = client_->remove(ctx_, widgets, {ns_, "a"}, {.uid = "not-this-one"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::ErrorCode::conflict) << refused.error().text();
  EXPECT_TRUE(client_->remove(ctx_, widgets, {ns_, "a"}).ok());
  EXPECT_TRUE(client_->remove(ctx_, widgets, {ns_, "a"}).ok()) << "absent already";
  EXPECT_TRUE(is_not_found(client_->get(ctx_, widgets, {ns_, "a"}).error()));
}

TEST_F(ClientE2eTest, ApplyMakesWhatIsAbsentAndListGivesIt) {
  for (int i = 0; i < 3; ++i) {
    const std::string name = "w" + std::to_string(i);
    const auto applied = client_->apply(ctx_, widgets, {ns_, name}, widget(ns_, name, i));
    ASSERT_TRUE(applied.ok()) << applied.error().text();
  }
  const auto listed = client_->list(ctx_, widgets, ns_, {.limit = 2});
  ASSERT_TRUE(listed.ok()) << listed.error().text();
  ASSERT_EQ(listed->size(), 3U);
  EXPECT_FALSE((*listed)[0]["metadata"].contains("managedFields"));
}

TEST_F(ClientE2eTest, AnEventAndItsSeriesReachTheObject) {
  const Json object = made("a", 1);
  EventRecorder recorder(*client_, {.instance = "test"}, base::Clock::real());
  const Event event{.regarding = {.api_version = "test.lockkeeper.dev/v1",
                                  .kind = "Widget",
                                  .ns = ns_,
                                  .name = "a",
                                  .uid = object["metadata"]["uid"]},
                    .warning = true,
                    .reason = "TooSmall",
                    .action = "Measure",
                    .note = std::string(2'000, 'x')};
  recorder.record(event);
  recorder.record(event);
  const auto sent = recorder.pump(ctx_);
  ASSERT_TRUE(sent.ok()) << sent.error().text();
  EXPECT_TRUE(await([&] {
    return plane_.get(ns_, "events.v1.events.k8s.io",
                      "{.items[?(@.reason==\"TooSmall\")].series.count}") == "2";
  })) << plane_.kubectl({"-n", ns_, "get", "events", "-o", "yaml"});
}

TEST_F(ClientE2eTest, MetricsAreGivenToWhoeverMayReadThem) {
  plane_.apply(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: metrics-reader}
rules: [{nonResourceURLs: [/metrics], verbs: [get]}]
)");
  plane_.kubectl({"create", "clusterrolebinding", "metrics-" + ns_, "--clusterrole=metrics-reader",
                  "--serviceaccount=" + ns_ + ":keeper"});
  const auto admin = client_of(plane_.admin_kubeconfig());
  server::Routes routes;
  server::add_metrics(
      routes, [] { return std::string("x 1\n"); }, server::token_review(*admin));
  const auto status = [&](const std::string& service_account) {
    server::Request request{.method = "GET", .path = "/metrics"};
    request.headers.emplace_back(
        "authorization",
        "Bearer " + plane_.kubectl({"-n", ns_, "create", "token", service_account}));
    auto& value = request.headers.back().second;
    value.erase(value.find_last_not_of("\n") + 1);
    return routes.answer(ctx_, request).status;
  };
  EXPECT_TRUE(await([&] { return status("keeper") == 200; }));
  EXPECT_EQ(status("default"), 403);
  server::Request nonsense{.method = "GET", .path = "/metrics"};
  nonsense.headers.emplace_back("authorization", "Bearer nonsense");
  EXPECT_EQ(routes.answer(ctx_, nonsense).status, 401);
}

}  // namespace
}  // namespace lockkeeper::kube
