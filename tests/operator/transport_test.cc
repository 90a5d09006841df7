// The cpprestsdk adapter against a real loopback server.
#include "operator/http/transport.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/await.h"
#include "tests/support/scripted_api_server.h"

namespace lockkeeper::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using support::Reply;
using support::ScriptedApiServer;

std::shared_ptr<Transport> to(const ScriptedApiServer& server) {
  auto transport = make_transport({.base_url = server.url()});
  EXPECT_TRUE(transport.ok());
  return *transport;
}

milliseconds took(const std::function<void()>& work) {
  const auto begun = base::Clock::real().now();
  work();
  return std::chrono::duration_cast<milliseconds>(base::Clock::real().now() - begun);
}

TEST(TransportTest, SendsWhatItWasGivenAndReturnsWhatCame) {
  ScriptedApiServer server;
  server.play({.status = 201, .headers = {{"X-Answer", "yes"}}, .body = "made"});
  Request request{.method = "PATCH",
                  .target = "/apis/x/v1/things/a%2Fb?fieldManager=lockkeeper&q=1%2B2",
                  .headers = {{"Content-Type", "application/json-patch+json"}, {"X-Own", "1"}},
                  .body = "[]"};
  const auto response = to(server)->send({}, request);
  ASSERT_TRUE(response.ok()) << response.error().text();
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "made");
  EXPECT_EQ(find_header(response->headers, "x-answer"), "yes");
  const auto seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "PATCH");
  EXPECT_EQ(seen.target, request.target);
  EXPECT_EQ(seen.body, "[]");
  EXPECT_EQ(seen.header("content-type"), "application/json-patch+json");
  EXPECT_EQ(seen.header("x-own"), "1");
  EXPECT_TRUE(seen.header("user-agent").starts_with("lockkeeper/"));
}

TEST(TransportTest, AnErrorStatusIsAnAnswer) {
  ScriptedApiServer server;
  server.play({.status = 503, .body = "busy"});
  const auto response = to(server)->send({}, {});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 503);
  EXPECT_EQ(response->body, "busy");
}

TEST(TransportTest, ARedirectIsNotFollowed) {
  ScriptedApiServer server;
  server.play({.status = 302, .headers = {{"Location", server.url() + "/elsewhere"}}});
  const auto response = to(server)->send({}, {});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(TransportTest, NobodyListeningIsUnavailable) {
  std::string url;
  { url = ScriptedApiServer().url(); }
  const auto transport = make_transport({.base_url = url});
  const auto response = (*transport)->send({}, {});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, base::ErrorCode::unavailable);
}

TEST(TransportTest, AUrlThatIsNoneIsInvalid) {
  EXPECT_EQ(make_transport({.base_url = "ftp://x"}).error().code, base::ErrorCode::invalid);
  EXPECT_EQ(make_transport({.base_url = "::"}).error().code, base::ErrorCode::invalid);
}

TEST(TransportTest, TheTotalTimeCountsWhileBytesTrickle) {
  ScriptedApiServer server;
  server.play({.chunks = {"a"}, .end = Reply::End::hang});
  const auto time = took([&] {
    const auto response = to(server)->send({}, {.timeout = milliseconds{200}});
    ASSERT_FALSE(response.ok());
    EXPECT_EQ(response.error().code, base::ErrorCode::unavailable);
  });
  EXPECT_GE(time, milliseconds{190});
  EXPECT_LT(time, seconds{10});
}

TEST(TransportTest, TheContextsDeadlineCounts) {
  ScriptedApiServer server;
  server.play({.end = Reply::End::hang});
  const auto response =
      to(server)->send(base::Context().with_timeout(milliseconds{100}), {.timeout = seconds{60}});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, base::ErrorCode::unavailable);
}

TEST(TransportTest, AStopEndsAnIdleStreamAtOnce) {
  ScriptedApiServer server;
  server.play({.chunks = {"first\n"}, .end = Reply::End::hang});
  std::stop_source stop;
  const base::Context ctx(stop.get_token(), base::Clock::real(), {});
  const auto transport = to(server);
  std::string got;
  const auto time = took([&] {
    const auto response = transport->stream(
        ctx, {.timeout = seconds{60}, .idle_timeout = seconds{60}}, [&](std::string_view chunk) {
          got += chunk;
          stop.request_stop();
          return true;
        });
    ASSERT_FALSE(response.ok());
    EXPECT_EQ(response.error().code, base::ErrorCode::cancelled);
  });
  EXPECT_EQ(got, "first\n");
  EXPECT_LT(time, seconds{10});
}

TEST(TransportTest, ASilentStreamEndsAfterItsIdleTime) {
  ScriptedApiServer server;
  server.play({.chunks = {"x"}, .end = Reply::End::hang});
  const auto response =
      to(server)->stream({}, {.timeout = seconds{60}, .idle_timeout = milliseconds{100}},
                         [](std::string_view) { return true; });
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, base::ErrorCode::unavailable);
}

TEST(TransportTest, AStreamGivesAllPiecesInOrder) {
  ScriptedApiServer server;
  std::vector<std::string> pieces;
  std::string all;
  for (int i = 0; i < 200; ++i) all += pieces.emplace_back("piece " + std::to_string(i) + "\n");
  server.play({.chunks = pieces});
  std::string got;
  const auto response = to(server)->stream({}, {}, [&](std::string_view chunk) {
    got += chunk;
    return true;
  });
  ASSERT_TRUE(response.ok()) << response.error().text();
  EXPECT_EQ(got, all);
}

TEST(TransportTest, ALargeChunkComesWhole) {
  ScriptedApiServer server;
  const std::string large(1'500'000, 'x');
  server.play({.chunks = {large}});
  const auto response = to(server)->send({}, {});
  ASSERT_TRUE(response.ok()) << response.error().text();
  EXPECT_EQ(response->body.size(), large.size());
}

TEST(TransportTest, AStreamThatIsCutIsAnError) {
  ScriptedApiServer server;
  server.play({.chunks = {"whole\n", "hal"}, .end = Reply::End::cut});
  std::string got;
  const auto response = to(server)->stream({}, {}, [&](std::string_view chunk) {
    got += chunk;
    return true;
  });
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, base::ErrorCode::unavailable);
  EXPECT_EQ(got, "whole\nhal");
}

TEST(TransportTest, ASinkThatHasEnoughEndsTheStream) {
  ScriptedApiServer server;
  server.play({.chunks = {"one"}, .end = Reply::End::hang});
  const auto response = to(server)->stream({}, {}, [](std::string_view) { return false; });
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 200);
}

TEST(TransportTest, ABodyAboveTheLimitIsRefused) {
  ScriptedApiServer server;
  server.play({.body = std::string(1'000, 'x')});
  const auto response = to(server)->send({}, {.max_body = 999});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, base::ErrorCode::unavailable);
}

TEST(TransportTest, AStreamThatIsRefusedHasTheRefusalInItsBody) {
  ScriptedApiServer server;
  server.play({.status = 410, .body = "gone"});
  const auto response = to(server)->stream({}, {}, [](std::string_view) { return true; });
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->status, 410);
  EXPECT_EQ(response->body, "gone");
}

TEST(TransportTest, ManyThreadsShareOneTransport) {
  ScriptedApiServer server;
  constexpr int threads = 8;
  constexpr int calls = 20;
  for (int i = 0; i < threads * calls; ++i) server.play({.body = "ok"});
  const auto transport = to(server);
  std::atomic<int> good{0};
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < threads; ++i) {
      callers.emplace_back([&] {
        for (int n = 0; n < calls; ++n) {
          const auto response = transport->send({}, {});
          if (response.ok() && response->body == "ok") good.fetch_add(1);
        }
      });
    }
  }
  EXPECT_EQ(good.load(), threads * calls);
}

TEST(GetOnceTest, ALongBodyIsCut) {
  ScriptedApiServer server;
  server.play({.body = std::string(500, 'x')});
  const auto response = get_once({}, {.url = server.url() + "/health?full=1", .max_body = 100});
  ASSERT_TRUE(response.ok()) << response.error().text();
  EXPECT_EQ(response->body.size(), 100U);
  EXPECT_EQ(server.requests().at(0).target, "/health?full=1");
}

TEST(GetOnceTest, AnAddressThatIsNotAllowedIsNotContacted) {
  ScriptedApiServer server;
  std::vector<std::string> asked;
  const auto response = get_once({}, {.url = server.url(), .allow = [&](std::string_view address) {
                                        asked.emplace_back(address);
                                        return base::Result<void>(base::precondition("no"));
                                      }});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, base::ErrorCode::precondition);
  EXPECT_EQ(asked, std::vector<std::string>{"127.0.0.1"});
  EXPECT_TRUE(server.requests().empty());
}

TEST(GetOnceTest, TheNameIsSentToTheAddressThatWasAllowed) {
  ScriptedApiServer server;
  server.play({.body = "fine"});
  std::string url = server.url();
  url.replace(url.find("127.0.0.1"), 9, "localhost");
  const auto response =
      get_once({}, {.url = url, .allow = [](std::string_view) { return base::Result<void>(); }});
  ASSERT_TRUE(response.ok()) << response.error().text();
  EXPECT_TRUE(server.requests().at(0).header("host").starts_with("localhost:"));
}

TEST(GetOnceTest, ChunksAreOneBody) {
  ScriptedApiServer server;
  server.play({.chunks = {"one, ", "two, ", "three"}});
  const auto response = get_once({}, {.url = server.url()});
  ASSERT_TRUE(response.ok()) << response.error().text();
  EXPECT_EQ(response->body, "one, two, three");
}

TEST(GetOnceTest, AnAnswerThatIsCutOrHangsIsUnavailable) {
  ScriptedApiServer server;
  server.play({.chunks = {"half"}, .end = Reply::End::cut});
  EXPECT_EQ(get_once({}, {.url = server.url()}).error().code, base::ErrorCode::unavailable);
  server.play({.chunks = {"half"}, .end = Reply::End::hang});
  const auto waited = took([&] {
    EXPECT_EQ(get_once({}, {.url = server.url(), .timeout = milliseconds{300}}).error().code,
              base::ErrorCode::unavailable);
  });
  EXPECT_LT(waited, seconds{5});
}

TEST(GetOnceTest, AStopEndsIt) {
  ScriptedApiServer server;
  server.play({.chunks = {"half"}, .end = Reply::End::hang});
  std::stop_source stop;
  const base::Context ctx(stop.get_token(), base::Clock::real(), base::Logger());
  const std::jthread stopper([&] {
    (void)support::await([&] { return !server.requests().empty(); });
    stop.request_stop();
  });
  const auto response = get_once(ctx, {.url = server.url(), .timeout = seconds{60}});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, base::ErrorCode::cancelled);
}

TEST(GetOnceTest, WhatIsNoUrlIsInvalid) {
  for (const char* url : {"", "x", "ftp://x/", "http://", "http://u:p@x/", "http://x:port/",
                          "http://x y/", "http://[::1/", "http://x:123456/"}) {
    const auto response = get_once({}, {.url = url});
    ASSERT_FALSE(response.ok()) << url;
    EXPECT_EQ(response.error().code, base::ErrorCode::invalid) << url;
  }
}

TEST(ResponseTest, RetryAfterIsReadAsSecondsAndAsDate) {
  const auto now = std::chrono::system_clock::from_time_t(784'111'777);  // 06 Nov 1994 08:49:37
  const auto wait = [&](const std::string& value) {
    return Response{.status = 429, .headers = {{"retry-after", value}}}.retry_after(now);
  };
  EXPECT_EQ(wait("3"), seconds{3});
  EXPECT_EQ(wait("Sun, 06 Nov 1994 08:49:47 GMT"), seconds{10});
  EXPECT_EQ(wait("Sun, 06 Nov 1994 08:40:00 GMT"), seconds{0});
  EXPECT_EQ(wait("99999999999"), std::chrono::hours{24});
  EXPECT_EQ(wait("soon"), std::nullopt);
  EXPECT_EQ(wait("-1"), std::nullopt);
  EXPECT_EQ(wait(""), std::nullopt);
}

TEST(EncodeComponentTest, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(encode_component("a-b_c.d~1"), "a-b_c.d~1");
  EXPECT_EQ(encode_component("a/b=c&d e+\xC3\xA9"), "a%2Fb%3Dc%26d%20e%2B%C3%A9");
}

}  // namespace
}  // namespace lockkeeper::http
