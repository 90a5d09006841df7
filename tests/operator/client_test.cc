#include "operator/kube/client.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/kube/metrics.h"
#include "tests/operator/fake_transport.h"
#include "tests/support/fake_clock.h"

namespace lockkeeper::kube {
namespace {

using base::ErrorCode;
using http::FakeTransport;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Resource things{.group = "example.com", .version = "v1", .plural = "things"};
const Resource nodes{.group = "", .version = "v1", .plural = "nodes", .namespaced = false};

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() { clock_.auto_advance(); }

  [[nodiscard]] base::Context context() const { return {{}, clock_, {}}; }
  [[nodiscard]] http::Request last() const { return transport_->requests().back(); }
  void play(int status, const Json& body, http::Headers headers = {}) {
    transport_->play(
        http::Response{.status = status, .headers = std::move(headers), .body = body.dump()});
  }

  support::FakeClock clock_;
  std::shared_ptr<FakeTransport> transport_ = std::make_shared<FakeTransport>();
  Metrics metrics_;
  Client client_{transport_, nullptr, {}, &metrics_};
};

std::string content_type(const http::Request& request) {
  return std::string(http::find_header(request.headers, "Content-Type").value_or(""));
}

Json status_object(const std::string& reason, const std::string& message) {
  return {{"kind", "Status"}, {"reason", reason}, {"message", message}};
}

TEST_F(ClientTest, GetAsksForTheObject) {
  play(200, {{"metadata", {{"name", "a"}}}});
  const auto object = client_.get(context(), things, {"ns", "a/b"});
  ASSERT_TRUE(object.ok());
  EXPECT_EQ(last().method, "GET");
  EXPECT_EQ(last().target, "/apis/example.com/v1/namespaces/ns/things/a%2Fb");
}

TEST_F(ClientTest, CoreAndClusterScopedResourcesHaveTheirPaths) {
  play(200, Json::object());
  ASSERT_TRUE(client_.get(context(), nodes, {"", "node-a"}).ok());
  EXPECT_EQ(last().target, "/api/v1/nodes/node-a");
}

TEST_F(ClientTest, ListFollowsThePagesAndDropsManagedFields) {
  play(200, {{"metadata", {{"continue", "next"}, {"resourceVersion", "5"}}},
             {"items", {{{"metadata", {{"name", "a"}, {"managedFields", Json::array()}}}}}}});
  play(200,
       {{"metadata", {{"resourceVersion", "5"}}}, {"items", {{{"metadata", {{"name", "b"}}}}}}});
  const auto items = client_.list(context(), things, "ns", {.label_selector = "a=b"});
  ASSERT_TRUE(items.ok());
  ASSERT_EQ(items->size(), 2U);
  EXPECT_FALSE((*items)[0]["metadata"].contains("managedFields"));
  const auto requests = transport_->requests();
  EXPECT_EQ(requests[0].target,
            "/apis/example.com/v1/namespaces/ns/things?labelSelector=a%3Db&limit=500");
  EXPECT_EQ(
      requests[1].target,
      "/apis/example.com/v1/namespaces/ns/things?labelSelector=a%3Db&limit=500&continue=next");
}

TEST_F(ClientTest, WritesCarryTheirContentTypeAndManager) {
  struct Case {
    std::string name;
    std::function<base::Result<Json>()> call;
    std::string method;
    std::string target;
    std::string type;
  };
  const ObjectKey key{"ns", "a"};
  const std::string path = "/apis/example.com/v1/namespaces/ns/things";
  const Json body = {{"x", 1}};
  const auto ctx = context();
  const std::vector<Case> cases{
      {"create", [&] { return client_.create(ctx, things, "ns", body); }, "POST",
       path + "?fieldManager=lockkeeper", "application/json"},
      {"replace", [&] { return client_.replace(ctx, things, key, body); }, "PUT",
       path + "/a?fieldManager=lockkeeper", "application/json"},
      {"json patch", [&] { return client_.json_patch(ctx, things, key, Json::array({1})); },
       "PATCH", path + "/a?fieldManager=lockkeeper", "application/json-patch+json"},
      {"merge patch", [&] { return client_.merge_patch(ctx, things, key, body, "scale"); }, "PATCH",
       path + "/a/scale?fieldManager=lockkeeper", "application/merge-patch+json"},
      {"apply", [&] { return client_.apply(ctx, things, key, body); }, "PATCH",
       path + "/a?fieldManager=lockkeeper&force=true", "application/apply-patch+yaml"},
      {"apply status",
       [&] { return client_.apply_status(ctx, things, key, body, {.force = false}); }, "PATCH",
       path + "/a/status?fieldManager=lockkeeper&force=false", "application/apply-patch+yaml"},
  };
  for (const Case& each : cases) {
    play(200, Json::object());
    EXPECT_TRUE(each.call().ok()) << each.name;
    EXPECT_EQ(last().method, each.method) << each.name;
    EXPECT_EQ(last().target, each.target) << each.name;
    EXPECT_EQ(content_type(last()), each.type) << each.name;
  }
}

TEST_F(ClientTest, RemoveCarriesItsPreconditionsAndAcceptsAbsence) {
  play(200, Json::object());
  ASSERT_TRUE(client_
                  .remove(context(), things, {"ns", "a"},
                          {.uid = "u", .resource_version = "7", .propagation = "Background"})
                  .ok());
  const Json body = Json::parse(last().body);
  EXPECT_EQ(body["preconditions"]["uid"], "u");
  EXPECT_EQ(body["preconditions"]["resourceVersion"], "7");
  EXPECT_EQ(body["propagationPolicy"], "Background");
  play(404, status_object("NotFound", "no such thing"));
  EXPECT_TRUE(client_.remove(context(), things, {"ns", "a"}).ok());
}

TEST_F(ClientTest, AStatusBecomesTheCallersNextMove) {
  struct Case {
    int status;
    std::string reason;
    ErrorCode code;
  };
  const std::vector<Case> cases{
      {400, "BadRequest", ErrorCode::internal},
      {401, "Unauthorized", ErrorCode::precondition},
      {403, "Forbidden", ErrorCode::precondition},
      {404, "NotFound", ErrorCode::precondition},
      {409, "Conflict", ErrorCode::conflict},
      {409, "AlreadyExists", ErrorCode::conflict},
      {410, "Expired", ErrorCode::conflict},
      {413, "RequestEntityTooLarge", ErrorCode::invalid},
      {422, "Invalid", ErrorCode::invalid},
      {429, "TooManyRequests", ErrorCode::unavailable},
      {500, "InternalError", ErrorCode::unavailable},
      {502, "", ErrorCode::unavailable},
      {503, "ServiceUnavailable", ErrorCode::unavailable},
      {504, "Timeout", ErrorCode::unavailable},
  };
  for (const Case& each : cases) {
    play(each.status, status_object(each.reason, "what the server said"));
    const auto got = client_.get(context(), things, {"ns", "a"});
    ASSERT_FALSE(got.ok()) << each.status;
    EXPECT_EQ(got.error().code, each.code) << each.status;
    EXPECT_EQ(got.error().reason, each.reason) << each.status;
    EXPECT_EQ(got.error().message, "what the server said");
  }
}

TEST_F(ClientTest, AnErrorWithoutAStatusObjectStillHasAReason) {
  transport_->play(http::Response{.status = 404, .body = "404 page not found"});
  const auto got = client_.get(context(), things, {"ns", "a"});
  EXPECT_TRUE(is_not_found(got.error()));
  EXPECT_EQ(got.error().message, "404 page not found");
}

TEST_F(ClientTest, AFailedTestOfAPatchIsNoFaultOfTheObject) {
  play(422, status_object("Invalid",
                          "the server rejected our request due to an error in our "
                          "request: testing value /spec/x failed: test failed"));
  const auto got = client_.json_patch(context(), things, {"ns", "a"}, Json::array());
  EXPECT_TRUE(is_patch_test_failed(got.error()));
  EXPECT_EQ(got.error().code, ErrorCode::precondition);
}

TEST_F(ClientTest, CausesOfARefusalAreInTheDetail) {
  Json refusal = status_object("Invalid", "Thing is invalid");
  refusal["details"]["causes"] = {{{"field", "spec.x"}, {"message", "too long"}}};
  play(422, refusal);
  const auto got = client_.create(context(), things, "ns", Json::object());
  EXPECT_NE(got.error().detail.find("spec.x: too long"), std::string::npos) << got.error().detail;
}

TEST_F(ClientTest, RetryAfterHoldsBackTheNextRequest) {
  play(429, status_object("TooManyRequests", "slow down"), {{"Retry-After", "7"}});
  play(200, Json::object());
  const auto refused = client_.get(context(), things, {"ns", "a"});
  EXPECT_EQ(refused.error().retry_after, seconds{7});
  const auto before = clock_.now();
  ASSERT_TRUE(client_.get(context(), things, {"ns", "a"}).ok());
  EXPECT_EQ(clock_.now() - before, seconds{7});
}

TEST_F(ClientTest, TheBucketLetsABurstThroughAndThenKeepsTheRate) {
  Client client(transport_, nullptr, {.qps = 10, .burst = 5});
  const auto begun = clock_.now();
  for (int i = 0; i < 5; ++i) {
    play(200, Json::object());
    ASSERT_TRUE(client.get(context(), things, {"ns", "a"}).ok());
  }
  EXPECT_EQ(clock_.now(), begun);
  for (int i = 0; i < 10; ++i) {
    play(200, Json::object());
    ASSERT_TRUE(client.get(context(), things, {"ns", "a"}).ok());
  }
  const auto took = std::chrono::duration_cast<milliseconds>(clock_.now() - begun);
  EXPECT_GE(took, milliseconds{990});
  EXPECT_LE(took, milliseconds{1'010});
}

TEST_F(ClientTest, AWaitForATurnEndsWithTheContext) {
  clock_.auto_advance(false);
  Client client(transport_, nullptr, {.qps = 0.001, .burst = 1});
  play(200, Json::object());
  ASSERT_TRUE(client.get(context(), things, {"ns", "a"}).ok());
  std::stop_source stop;
  stop.request_stop();
  const auto got = client.get(context().with_stop(stop.get_token()), things, {"ns", "a"});
  EXPECT_EQ(got.error().code, ErrorCode::cancelled);
}

TEST_F(ClientTest, WatchGivesWholeLines) {
  transport_->play(http::Response{.status = 200, .body = "{\"a\":1}\n\n{\"b\":2}\n{\"cut"});
  std::vector<std::string> lines;
  const auto done =
      client_.watch(context(), things, "", {.resource_version = "5", .timeout = seconds{300}},
                    [&](std::string_view line) {
                      lines.emplace_back(line);
                      return true;
                    });
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(lines, (std::vector<std::string>{"{\"a\":1}", "{\"b\":2}"}));
  EXPECT_EQ(last().target,
            "/apis/example.com/v1/things?watch=true&resourceVersion=5&timeoutSeconds=300"
            "&allowWatchBookmarks=true");
  EXPECT_EQ(last().timeout, seconds{310});
  EXPECT_EQ(last().idle_timeout, seconds{310});
}

TEST_F(ClientTest, RequestsAreCountedByMethodAndCode) {
  play(404, status_object("NotFound", ""));
  EXPECT_FALSE(client_.get(context(), things, {"ns", "a"}).ok());
  transport_->play(base::unavailable("refused"));
  EXPECT_FALSE(client_.get(context(), things, {"ns", "a"}).ok());
  const std::string text = metrics_.text();
  EXPECT_NE(text.find(R"(rest_client_requests_total{code="404",host="",method="GET"} 1)"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(R"(rest_client_requests_total{code="<error>",host="",method="GET"} 1)"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace lockkeeper::kube
