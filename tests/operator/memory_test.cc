// Thousands of objects of a kilobyte: what they cost once they are in the store.
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "operator/kube/informer.h"
#include "tests/operator/fake_transport.h"
#include "tests/support/await.h"
#include "tests/support/fake_clock.h"

namespace lockkeeper::kube {
namespace {

constexpr int objects = 5'000;
constexpr int page_size = 500;

struct Thing {
  std::string name;
  std::string text;
};

base::Result<Thing> decode(const Json& object) {
  return Thing{object["metadata"]["name"].get<std::string>(), object["text"].get<std::string>()};
}

std::string page(int number) {
  Json items = Json::array();
  for (int i = number * page_size; i < (number + 1) * page_size; ++i) {
    items.push_back({{"metadata",
                      {{"name", "thing-" + std::to_string(i)},
                       {"namespace", "ns"},
                       {"resourceVersion", std::to_string(i)},
                       {"managedFields", Json::array({std::string(500, 'm')})}}},
                     {"text", std::string(1'000, 't')}});
  }
  Json list = {{"metadata", {{"resourceVersion", "1"}}}, {"items", std::move(items)}};
  if (number + 1 < objects / page_size) list["metadata"]["continue"] = std::to_string(number + 1);
  return list.dump();
}

// Resident bytes, after what was freed has gone back to the system.
std::size_t resident() {
  malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t pages = 0;
  statm >> total >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

bool sanitized() {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return true;
#endif
#endif
  return false;
}

TEST(MemoryTest, AnObjectOfAKilobyteCostsAtMostThree) {
  if (sanitized()) GTEST_SKIP() << "a sanitizer has its own idea of memory";
  std::atomic<int> next{0};
  std::stop_source stop;
  const auto transport = std::make_shared<http::FakeTransport>(
      [&](const http::Request& request) -> base::Result<http::Response> {
        if (request.target.find("watch=true") != std::string::npos) {
          return base::unavailable("no watch here");
        }
        return http::Response{.status = 200, .body = page(next++)};
      });
  Client client(transport, nullptr, {.qps = 0});
  const support::FakeClock clock;
  Informer<Thing> informer(
      client, {.resource = {.group = "example.com", .version = "v1", .plural = "things"}}, decode);
  const std::size_t before = resident();
  std::jthread thread([&] { informer.run({stop.get_token(), clock, {}}); });
  ASSERT_TRUE(support::await([&] { return informer.synced() && clock.sleepers() == 1; },
                             std::chrono::seconds{120}));
  const std::size_t each = (resident() - before) / objects;
  EXPECT_EQ(informer.store().size(), static_cast<std::size_t>(objects));
  EXPECT_LE(each, 3'000U);
  RecordProperty("bytes_per_object", static_cast<int>(each));
  stop.request_stop();
}

}  // namespace
}  // namespace lockkeeper::kube
