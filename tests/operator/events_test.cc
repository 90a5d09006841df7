#include "operator/kube/events.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "operator/kube/metrics.h"
#include "tests/operator/fake_transport.h"
#include "tests/support/await.h"
#include "tests/support/fake_clock.h"

namespace lockkeeper::kube {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Event event(const std::string& note = "all rows are verified") {
  return {.regarding = {.api_version = "lockkeeper.dev/v1alpha1",
                        .kind = "Migration",
                        .ns = "shop",
                        .name = "users",
                        .uid = "u-1",
                        .resource_version = "7"},
          .reason = "Verified",
          .action = "Verify",
          .note = note};
}

class EventsTest : public ::testing::Test {
 protected:
  [[nodiscard]] base::Context context() const { return {{}, clock_, {}}; }
  void pump() { ASSERT_TRUE(recorder_.pump(context()).ok()); }
  [[nodiscard]] std::vector<http::Request> sent() const { return transport_->requests(); }

  support::FakeClock clock_;
  std::shared_ptr<http::FakeTransport> transport_ = std::make_shared<http::FakeTransport>(
      [](const http::Request&) { return http::Response{.status = 201, .body = "{}"}; });
  Client client_{transport_, nullptr, {.qps = 0}};
  Metrics metrics_;
  EventRecorder recorder_{client_, {.instance = "me", .capacity = 3}, clock_, &metrics_};
};

TEST_F(EventsTest, AnEventIsCreatedBesideItsObject) {
  recorder_.record(event());
  pump();
  ASSERT_EQ(sent().size(), 1U);
  EXPECT_EQ(sent()[0].method, "POST");
  EXPECT_TRUE(sent()[0].target.starts_with("/apis/events.k8s.io/v1/namespaces/shop/events"));
  const Json body = Json::parse(sent()[0].body);
  EXPECT_EQ(body["reason"], "Verified");
  EXPECT_EQ(body["action"], "Verify");
  EXPECT_EQ(body["type"], "Normal");
  EXPECT_EQ(body["reportingController"], "lockkeeper.dev/operator");
  EXPECT_EQ(body["reportingInstance"], "me");
  EXPECT_EQ(body["eventTime"], "2026-11-22T12:00:00.000000Z");
  EXPECT_EQ(body["regarding"]["uid"], "u-1");
  EXPECT_FALSE(body.contains("series"));
}

TEST_F(EventsTest, TheSameAgainBecomesASeriesThatIsSentAtTheSecondOne) {
  recorder_.record(event());
  pump();
  const Json first = Json::parse(sent()[0].body);
  recorder_.record(event());
  pump();
  recorder_.record(event());
  recorder_.record(event());
  pump();
  ASSERT_EQ(sent().size(), 2U) << "later ones are only counted";
  EXPECT_EQ(sent()[1].method, "PATCH");
  EXPECT_NE(sent()[1].target.find(first["metadata"]["name"].get<std::string>()), std::string::npos);
  EXPECT_EQ(Json::parse(sent()[1].body)["series"]["count"], 2);
}

TEST_F(EventsTest, AFinishedSeriesSaysItsLastCountAndTheNextEventIsNew) {
  for (int i = 0; i < 3; ++i) recorder_.record(event());
  pump();
  clock_.advance(minutes{6} + seconds{1});
  pump();
  ASSERT_EQ(sent().size(), 3U);
  EXPECT_EQ(Json::parse(sent()[2].body)["series"]["count"], 3);
  recorder_.record(event());
  pump();
  EXPECT_EQ(sent().back().method, "POST");
}

TEST_F(EventsTest, ALongSeriesIsRefreshedEveryHalfHour) {
  recorder_.record(event());
  recorder_.record(event());
  pump();
  for (int i = 0; i < 10; ++i) {
    clock_.advance(minutes{5});
    recorder_.record(event());
    pump();
  }
  ASSERT_EQ(sent().size(), 3U);
  EXPECT_EQ(Json::parse(sent()[2].body)["series"]["count"], 8);
}

TEST_F(EventsTest, AnotherVersionOfTheObjectIsTheSameSeriesAnotherNoteIsNot) {
  recorder_.record(event());
  Event changed = event();
  changed.regarding.resource_version = "8";
  recorder_.record(changed);
  recorder_.record(event("something else"));
  pump();
  ASSERT_EQ(sent().size(), 3U);
  EXPECT_EQ(sent()[1].method, "PATCH");
  EXPECT_EQ(sent()[2].method, "POST");
}

TEST_F(EventsTest, AFullQueueDropsAndCounts) {
  for (int i = 0; i < 5; ++i) recorder_.record(event(std::to_string(i)));
  EXPECT_EQ(recorder_.queued(), 3U);
  EXPECT_EQ(recorder_.dropped(), 2U);
  EXPECT_NE(metrics_.text().find("lockkeeper_events_dropped_total 2"), std::string::npos);
}

TEST_F(EventsTest, WhatCannotBeSentNowIsSentLater) {
  transport_->play(base::unavailable("down"));
  recorder_.record(event());
  EXPECT_FALSE(recorder_.pump(context()).ok());
  EXPECT_EQ(recorder_.queued(), 1U);
  pump();
  EXPECT_EQ(recorder_.queued(), 0U);
  EXPECT_EQ(sent().size(), 2U);
}

TEST_F(EventsTest, WhatTheServerRefusesIsDropped) {
  transport_->play(http::Response{.status = 403, .body = "no"});
  recorder_.record(event());
  pump();
  EXPECT_EQ(recorder_.queued(), 0U);
  EXPECT_EQ(sent().size(), 1U);
}

TEST_F(EventsTest, ARunningRecorderSendsAndSendsTheRestWhenStopped) {
  std::stop_source stop;
  std::jthread thread([&] { recorder_.run({stop.get_token(), clock_, {}}); });
  ASSERT_TRUE(support::await([&] { return clock_.sleepers() == 1; }));
  recorder_.record(event());
  EXPECT_TRUE(support::await([&] { return sent().size() == 1; }));
  stop.request_stop();
  thread.join();
}

TEST(CutNoteTest, CutsBetweenCharacters) {
  EXPECT_EQ(cut_note("abc", 3), "abc");
  EXPECT_EQ(cut_note("abcd", 3), "abc");
  EXPECT_EQ(cut_note("ab\xC3\xA9", 3), "ab");
  EXPECT_EQ(cut_note("\xF0\x9F\x92\xA7x", 4), "\xF0\x9F\x92\xA7");
  EXPECT_EQ(cut_note("\xF0\x9F\x92\xA7x", 3), "");
}

}  // namespace
}  // namespace lockkeeper::kube
