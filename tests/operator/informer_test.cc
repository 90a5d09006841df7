// Informer and scripted server together: what handlers are told when the server misbehaves.
#include "operator/kube/informer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/await.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_api_server.h"

namespace lockkeeper::kube {
namespace {

using support::await;
using support::Reply;

const Resource things{.group = "example.com", .version = "v1", .plural = "things"};

base::Result<int> decode(const Json& object) {
  if (!object.contains("size")) return base::invalid("must be set").with_path("size");
  return object["size"].get<int>();
}

Json thing(const std::string& name, const std::string& version, int size) {
  return {{"metadata", {{"name", name}, {"namespace", "ns"}, {"resourceVersion", version}}},
          {"size", size}};
}
std::string list_of(const std::string& version, const Json& items) {
  return Json{{"metadata", {{"resourceVersion", version}}}, {"items", items}}.dump();
}
std::string event(const std::string& type, const Json& object) {
  return Json{{"type", type}, {"object", object}}.dump() + "\n";
}

// "name: before -> after" for each change, * for one from a list.
class Log {
 public:
  void add(const Change<int>& change) {
    const auto side = [](const Entry<int>& entry) -> std::string {
      if (entry.undecoded) return "?";
      return entry.object ? std::to_string(*entry.object) : "-";
    };
    const base::Lock lock(mutex_);
    lines_.push_back(change.key.name + ": " + side(change.before) + " -> " + side(change.after) +
                     (change.initial ? " *" : ""));
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    const base::Lock lock(mutex_);
    return lines_;
  }

 private:
  mutable base::Mutex mutex_;
  std::vector<std::string> lines_ LK_GUARDED_BY(mutex_);
};

class InformerTest : public ::testing::Test {
 protected:
  InformerTest() { clock_.auto_advance(); }
  ~InformerTest() override { stop_.request_stop(); }

  // Plays the script to its end; the last reply must be one that hangs.
  void run() {
    client_ = std::make_unique<Client>(*http::make_transport({.base_url = server_.url()}), nullptr,
                                       ClientOptions{.qps = 0});
    informer_ =
        std::make_unique<Informer<int>>(*client_, InformerOptions{.resource = things}, decode);
    informer_->on_change([this](const Change<int>& change) { log_.add(change); });
    thread_ = std::jthread([this] { informer_->run({stop_.get_token(), clock_, {}}); });
  }
  [[nodiscard]] bool told(const std::vector<std::string>& lines) {
    return await([&] { return log_.lines() == lines; }) && server_.left() == 0;
  }

  support::FakeClock clock_;
  support::ScriptedApiServer server_;
  std::stop_source stop_;
  Log log_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Informer<int>> informer_;
  std::jthread thread_;
};

TEST_F(InformerTest, TellsOldAndNew) {
  server_.play({.body = list_of("5", Json::array({thing("a", "1", 1)}))});
  server_.play(
      {.chunks = {event("ADDED", thing("b", "6", 2)), event("MODIFIED", thing("a", "7", 3)),
                  event("DELETED", thing("b", "8", 2))},
       .end = Reply::End::hang});
  run();
  EXPECT_TRUE(told({"a: - -> 1 *", "b: - -> 2", "a: 1 -> 3", "b: 2 -> -"}));
  EXPECT_TRUE(informer_->synced());
}

TEST_F(InformerTest, FramesThatAreSplitAnywhereAreWhole) {
  server_.play({.body = list_of("5", Json::array())});
  std::vector<std::string> bytes;
  for (const char c : event("ADDED", thing("a", "6", 1)) + event("MODIFIED", thing("a", "7", 2))) {
    bytes.emplace_back(1, c);
  }
  server_.play({.chunks = bytes, .end = Reply::End::hang});
  run();
  EXPECT_TRUE(told({"a: - -> 1", "a: 1 -> 2"}));
}

TEST_F(InformerTest, ACutStreamGoesOnFromTheLastEvent) {
  server_.play({.body = list_of("5", Json::array())});
  server_.play(
      {.chunks = {event("ADDED", thing("a", "6", 1)), R"({"type":"MODI)"}, .end = Reply::End::cut});
  server_.play({.chunks = {event("MODIFIED", thing("a", "7", 2))}, .end = Reply::End::hang});
  run();
  EXPECT_TRUE(told({"a: - -> 1", "a: 1 -> 2"}));
  EXPECT_NE(server_.requests().back().target.find("resourceVersion=6&"), std::string::npos);
}

TEST_F(InformerTest, ARelistTellsOnlyWhatIsDifferent) {
  server_.play({.body = list_of("5", {thing("same", "1", 1), thing("gone", "2", 2),
                                      thing("changed", "3", 3)})});
  server_.play({.status = 410, .body = R"({"kind":"Status","code":410,"reason":"Expired"})"});
  server_.play({.body = list_of("50", {thing("same", "1", 1), thing("changed", "40", 4),
                                       thing("new", "41", 5)})});
  server_.play({.end = Reply::End::hang});
  run();
  ASSERT_TRUE(await([&] { return server_.left() == 0; }));
  auto lines = log_.lines();
  ASSERT_EQ(lines.size(), 6U);
  lines.erase(lines.begin(), lines.begin() + 3);
  std::ranges::sort(lines);
  EXPECT_EQ(lines,
            (std::vector<std::string>{"changed: 3 -> 4 *", "gone: 2 -> - *", "new: - -> 5 *"}));
}

TEST_F(InformerTest, AFailingServerIsAskedAgainUntilItAnswers) {
  server_.play({.status = 429, .headers = {{"Retry-After", "1"}}});
  server_.play({.status = 504});
  server_.play({.end = Reply::End::cut});
  server_.play({.body = list_of("5", Json::array({thing("a", "1", 1)}))});
  server_.play({.status = 429});
  server_.play({.chunks = {event("MODIFIED", thing("a", "6", 2))}, .end = Reply::End::hang});
  run();
  EXPECT_TRUE(told({"a: - -> 1 *", "a: 1 -> 2"}));
}

TEST_F(InformerTest, AnObjectThatDoesNotDecodeDoesNotStopTheOthers) {
  Json broken = thing("broken", "6", 0);
  broken.erase("size");
  server_.play({.body = list_of("5", Json::array())});
  server_.play({.chunks = {event("ADDED", broken), event("ADDED", thing("a", "7", 1)),
                           event("MODIFIED", thing("broken", "8", 3))},
                .end = Reply::End::hang});
  run();
  EXPECT_TRUE(told({"broken: - -> ?", "a: - -> 1", "broken: ? -> 3"}));
}

TEST_F(InformerTest, AStopEndsAnIdleWatch) {
  server_.play({.body = list_of("5", Json::array())});
  server_.play({.end = Reply::End::hang});
  run();
  ASSERT_TRUE(await([&] { return server_.left() == 0; }));
  stop_.request_stop();
  thread_.join();
  EXPECT_TRUE(informer_->synced());
}

}  // namespace
}  // namespace lockkeeper::kube
