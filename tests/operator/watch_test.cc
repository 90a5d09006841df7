// The reflector's states, without a server.
#include "operator/kube/watch.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/operator/fake_transport.h"
#include "tests/support/fake_clock.h"

namespace lockkeeper::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Resource things{.group = "example.com", .version = "v1", .plural = "things"};

// What a store would hold.
class Recorder final : public WatchSink {
 public:
  void begin() override { initial_.clear(); }
  void initial(const Json& object) override { initial_[name(object)] = version(object); }
  void finish() override {
    objects = std::exchange(initial_, {});
    ++lists;
  }
  void upsert(const Json& object) override { objects[name(object)] = version(object); }
  void erase(const Json& object) override { objects.erase(name(object)); }

  std::map<std::string, std::string> objects;
  int lists = 0;

 private:
  static std::string name(const Json& object) { return object["metadata"]["name"]; }
  static std::string version(const Json& object) { return object["metadata"]["resourceVersion"]; }
  std::map<std::string, std::string> initial_;
};

Json thing(const std::string& name, const std::string& version) {
  return {{"metadata", {{"name", name}, {"resourceVersion", version}}}};
}
Json list_of(const std::string& version, const Json& items, const std::string& more = "") {
  Json list = {{"metadata", {{"resourceVersion", version}}}, {"items", items}};
  if (!more.empty()) list["metadata"]["continue"] = more;
  return list;
}
std::string event(const std::string& type, const Json& object) {
  return Json{{"type", type}, {"object", object}}.dump() + "\n";
}
Json status(int code, const std::string& reason, const std::string& message = "") {
  return {{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", message}};
}

class WatchTest : public ::testing::Test {
 protected:
  WatchTest() { clock_.auto_advance(); }

  void play(const Json& body, int status = 200, http::Headers headers = {}) {
    transport_->play(
        http::Response{.status = status, .headers = std::move(headers), .body = body.dump()});
  }
  void play_stream(const std::string& body) {
    transport_->play(http::Response{.status = 200, .body = body});
  }
  void step() { ASSERT_TRUE(reflector_.step({{}, clock_, {}}).ok()); }
  // An initial list of one page, then a state of init_listed.
  void listed() {
    play(list_of("10", Json::array({thing("a", "9")})));
    step();
  }
  [[nodiscard]] std::string last() const { return transport_->requests().back().target; }

  support::FakeClock clock_;
  std::shared_ptr<http::FakeTransport> transport_ = std::make_shared<http::FakeTransport>();
  Client client_{transport_, nullptr, {.qps = 0}};
  Recorder sink_;
  Reflector reflector_{client_, sink_, {.resource = things, .random = [] { return 0.5; }}};
};

TEST_F(WatchTest, TheFirstListComesFromTheServersCache) {
  listed();
  EXPECT_EQ(last(), "/apis/example.com/v1/things?limit=500&resourceVersion=0");
  EXPECT_EQ(reflector_.state(), WatchState::init_listed);
  EXPECT_EQ(sink_.objects, (std::map<std::string, std::string>{{"a", "9"}}));
}

TEST_F(WatchTest, PagesCountOnlyWhenTheLastHasCome) {
  play(list_of("10", Json::array({thing("a", "9")}), "more"));
  step();
  EXPECT_EQ(reflector_.state(), WatchState::init_page);
  EXPECT_TRUE(sink_.objects.empty());
  play(list_of("10", Json::array({thing("b", "8")})));
  step();
  EXPECT_EQ(last(), "/apis/example.com/v1/things?limit=500&continue=more");
  EXPECT_EQ(sink_.objects.size(), 2U);
  EXPECT_EQ(sink_.lists, 1);
}

TEST_F(WatchTest, APageThatFailedIsAskedForAgain) {
  play(list_of("10", Json::array({thing("a", "9")}), "more"));
  step();
  play(status(500, "InternalError"), 500);
  step();
  EXPECT_EQ(reflector_.state(), WatchState::init_page);
  play(list_of("10", Json::array()));
  step();
  EXPECT_EQ(last(), "/apis/example.com/v1/things?limit=500&continue=more");
}

TEST_F(WatchTest, AnExpiredPageBeginsTheListAgainFromTheMostRecent) {
  play(list_of("10", Json::array({thing("gone", "9")}), "more"));
  step();
  play(status(410, "Expired"), 410);
  step();
  EXPECT_EQ(reflector_.state(), WatchState::empty);
  play(list_of("20", Json::array({thing("a", "19")})));
  step();
  EXPECT_EQ(last(), "/apis/example.com/v1/things?limit=500");
  EXPECT_EQ(sink_.objects, (std::map<std::string, std::string>{{"a", "19"}}));
}

TEST_F(WatchTest, EventsChangeWhatIsKnownAndMoveTheVersion) {
  listed();
  play_stream(event("ADDED", thing("b", "11")) + event("MODIFIED", thing("a", "12")) +
              event("DELETED", thing("b", "13")) + event("BOOKMARK", thing("", "20")));
  step();
  EXPECT_EQ(sink_.objects, (std::map<std::string, std::string>{{"a", "12"}}));
  EXPECT_EQ(reflector_.resource_version(), "20");
  EXPECT_EQ(reflector_.state(), WatchState::watching);
}

TEST_F(WatchTest, TheWatchAsksForBookmarksAndARandomTime) {
  listed();
  play_stream(event("BOOKMARK", thing("", "20")));
  step();
  EXPECT_EQ(last(),
            "/apis/example.com/v1/things?watch=true&resourceVersion=10&timeoutSeconds=435"
            "&allowWatchBookmarks=true");
}

TEST_F(WatchTest, TheNextWatchGoesOnWhereThisOneEnded) {
  listed();
  play_stream(event("BOOKMARK", thing("", "20")));
  step();
  play_stream(event("BOOKMARK", thing("", "30")));
  step();
  EXPECT_NE(last().find("resourceVersion=20"), std::string::npos);
  EXPECT_TRUE(clock_.slept().empty());
}

TEST_F(WatchTest, A410AnswerLeadsToAListNotOlderThanWhatWasSeen) {
  listed();
  play(status(410, "Gone"), 410);
  step();
  EXPECT_EQ(reflector_.state(), WatchState::empty);
  EXPECT_TRUE(clock_.slept().empty()) << "the first relist needs no wait";
  play(list_of("50", Json::array()));
  step();
  EXPECT_EQ(last(),
            "/apis/example.com/v1/things?limit=500&resourceVersion=10"
            "&resourceVersionMatch=NotOlderThan");
  EXPECT_TRUE(sink_.objects.empty());
}

TEST_F(WatchTest, A410InsideTheStreamLeadsThereToo) {
  listed();
  play_stream(event("ADDED", thing("b", "11")) + event("ERROR", status(410, "Expired")));
  step();
  EXPECT_EQ(reflector_.state(), WatchState::empty);
  EXPECT_EQ(sink_.objects.size(), 2U);
}

TEST_F(WatchTest, AVersionFromTheFutureIsForgotten) {
  listed();
  play(status(504, "Timeout", "Timeout: Too large resource version: 99, current: 10"), 504);
  step();
  play(list_of("3", Json::array()));
  step();
  EXPECT_EQ(last(), "/apis/example.com/v1/things?limit=500");
  EXPECT_EQ(reflector_.resource_version(), "3");
}

TEST_F(WatchTest, A429KeepsThePlaceAndWaitsAsLongAsToldTo) {
  listed();
  play(status(429, "TooManyRequests"), 429, {{"Retry-After", "4"}});
  const auto before = clock_.now();
  step();
  EXPECT_EQ(clock_.now() - before, seconds{4});
  play_stream(event("BOOKMARK", thing("", "20")));
  step();
  EXPECT_NE(last().find("watch=true&resourceVersion=10"), std::string::npos);
}

TEST_F(WatchTest, ARefusedConnectionKeepsThePlaceAndWaitsLongerEachTime) {
  listed();
  std::vector<base::Clock::Duration> waits;
  for (int i = 0; i < 8; ++i) {
    transport_->play(base::unavailable("refused"));
    const auto before = clock_.now();
    step();
    waits.push_back(clock_.now() - before);
  }
  EXPECT_EQ(waits.front(), milliseconds{800});
  EXPECT_EQ(waits[1], milliseconds{1'600});
  EXPECT_EQ(waits.back(), seconds{30});
  play_stream(event("BOOKMARK", thing("", "20")));
  step();
  EXPECT_NE(last().find("resourceVersion=10"), std::string::npos);
}

TEST_F(WatchTest, TwoMinutesWithoutAFailureMakeTheNextWaitShortAgain) {
  listed();
  for (int i = 0; i < 5; ++i) {
    transport_->play(base::unavailable("refused"));
    step();
  }
  clock_.advance(seconds{120});
  transport_->play(base::unavailable("refused"));
  const auto before = clock_.now();
  step();
  EXPECT_EQ(clock_.now() - before, milliseconds{800});
}

TEST_F(WatchTest, AWatchThatEndsAtOnceWithNothingIsAFailure) {
  listed();
  play_stream("");
  const auto before = clock_.now();
  step();
  EXPECT_EQ(clock_.now() - before, milliseconds{800});
  EXPECT_EQ(reflector_.state(), WatchState::watching);
}

TEST_F(WatchTest, ALineThatIsNoJsonIsAFailureAndNotTheEnd) {
  listed();
  play_stream(event("ADDED", thing("b", "11")) + "<html>\n");
  step();
  EXPECT_EQ(reflector_.resource_version(), "11");
  EXPECT_EQ(reflector_.state(), WatchState::watching);
}

TEST_F(WatchTest, AnEventOfAKindNotYetInventedMovesTheVersionOnly) {
  listed();
  play_stream(event("RENAMED", thing("x", "15")));
  step();
  EXPECT_EQ(reflector_.resource_version(), "15");
  EXPECT_EQ(sink_.objects.size(), 1U);
}

TEST_F(WatchTest, AStopEndsIt) {
  std::stop_source stop;
  stop.request_stop();
  const base::Context ctx(stop.get_token(), clock_, {});
  EXPECT_EQ(reflector_.run(ctx).code, base::ErrorCode::cancelled);
}

}  // namespace
}  // namespace lockkeeper::kube
