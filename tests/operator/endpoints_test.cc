#include "operator/server/endpoints.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/kube/client.h"
#include "tests/operator/fake_transport.h"
#include "tests/support/fake_clock.h"

namespace lockkeeper::server {
namespace {

using std::chrono::seconds;

Response ask(const Routes& routes, const std::string& path, const base::Context& ctx = {},
             const std::string& authorization = "") {
  Request request{.method = "GET", .path = path};
  if (!authorization.empty()) request.headers.emplace_back("authorization", authorization);
  return routes.answer(ctx, request);
}

TEST(HealthTest, EachEndpointAnswersForItsOwnCheck) {
  base::Result<void> alive;
  base::Result<void> ready = base::unavailable("caches are not synced");
  Routes routes;
  add_health(
      routes, [&] { return alive; }, [&] { return ready; });
  EXPECT_EQ(ask(routes, "/healthz").status, 200);
  EXPECT_EQ(ask(routes, "/livez").status, 200);
  EXPECT_EQ(ask(routes, "/readyz").status, 503);
  EXPECT_EQ(ask(routes, "/readyz").body, "caches are not synced\n");
  alive = base::internal("the lease was not renewed");
  EXPECT_EQ(ask(routes, "/healthz").status, 503);
}

TEST(GatesTest, AGateAnswersYesOrNoWithAReason) {
  Routes routes;
  add_gates(routes,
            [](std::string_view ns, std::string_view migration,
               std::string_view condition) -> GateAnswer {
              if (ns == "shop" && migration == "users" && condition == "Expanded")
                return {.ok = true};
              return {.reason = "Unknown", .message = "no such migration"};
            });
  const auto yes = ask(routes, "/gates/v1/shop/users/Expanded");
  EXPECT_EQ(yes.status, 200);
  EXPECT_EQ(yes.body, "{\"ok\":true}\n");
  EXPECT_EQ(yes.content_type, "application/json");
  const auto no = ask(routes, "/gates/v1/shop/other/Expanded");
  EXPECT_EQ(no.status, 503);
  EXPECT_EQ(nlohmann::json::parse(no.body)["reason"], "Unknown");
  EXPECT_EQ(ask(routes, "/gates/v1/shop/users").status, 404);
}

TEST(MetricsTest, WithoutAnAuthorizerEverybodyMayRead) {
  Routes routes;
  add_metrics(routes, [] { return std::string("x 1\n"); }, {});
  const auto answer = ask(routes, "/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "x 1\n");
}

class TokenReviewTest : public ::testing::Test {
 protected:
  TokenReviewTest() {
    add_metrics(
        routes_, [] { return std::string("x 1\n"); }, token_review(client_));
  }
  void play(const nlohmann::json& status) {
    transport_->play(
        http::Response{.status = 201, .body = nlohmann::json{{"status", status}}.dump()});
  }
  [[nodiscard]] int status(const std::string& authorization) const {
    return ask(routes_, "/metrics", {{}, clock_, {}}, authorization).status;
  }

  support::FakeClock clock_;
  std::shared_ptr<http::FakeTransport> transport_ = std::make_shared<http::FakeTransport>();
  kube::Client client_{transport_, nullptr, {.qps = 0}};
  Routes routes_;
};

TEST_F(TokenReviewTest, WithoutATokenNobodyIsAsked) {
  EXPECT_EQ(status(""), 401);
  EXPECT_EQ(status("Basic eDp5"), 401);
  EXPECT_TRUE(transport_->requests().empty());
}

TEST_F(TokenReviewTest, ATokenOfSomebodyWhoMayIsRememberedForAMinute) {
  play({{"authenticated", true}, {"user", {{"username", "prometheus"}, {"groups", {"g"}}}}});
  play({{"allowed", true}});
  EXPECT_EQ(status("Bearer t"), 200);
  EXPECT_EQ(status("Bearer t"), 200);
  ASSERT_EQ(transport_->requests().size(), 2U);
  const auto asked = nlohmann::json::parse(transport_->requests()[1].body);
  EXPECT_EQ(asked["spec"]["user"], "prometheus");
  EXPECT_EQ(asked["spec"]["groups"][0], "g");
  EXPECT_EQ(asked["spec"]["nonResourceAttributes"]["path"], "/metrics");
  clock_.advance(seconds{61});
  play({{"authenticated", false}});
  EXPECT_EQ(status("Bearer t"), 401);
}

TEST_F(TokenReviewTest, SomebodyWhoMayNotIsForbidden) {
  play({{"authenticated", true}, {"user", {{"username", "other"}}}});
  play({{"allowed", false}});
  EXPECT_EQ(status("Bearer t"), 403);
}

TEST_F(TokenReviewTest, AnApiServerOutOfReachClosesTheDoorAndIsAskedAgain) {
  transport_->play(base::unavailable("down"));
  EXPECT_EQ(status("Bearer t"), 503);
  transport_->play(http::Response{.status = 403, .body = "we may not ask"});
  EXPECT_EQ(status("Bearer t"), 503);
  play({{"authenticated", true}});
  play({{"allowed", true}});
  EXPECT_EQ(status("Bearer t"), 200);
}

}  // namespace
}  // namespace lockkeeper::server
