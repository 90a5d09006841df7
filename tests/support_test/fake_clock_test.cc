#include "tests/support/fake_clock.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/await.h"

namespace lockkeeper::support {
namespace {

using namespace std::chrono_literals;

TEST(FakeClockTest, ASleeperWakesWhenItsTimeHasCome) {
  FakeClock clock;
  bool slept = false;
  std::jthread sleeper([&](const std::stop_token& stop) { slept = clock.sleep(30s, stop); });
  ASSERT_TRUE(await([&] { return clock.sleepers() == 1; }));
  clock.advance(29s);
  EXPECT_EQ(clock.sleepers(), 1);
  clock.advance(1s);
  sleeper.join();
  EXPECT_TRUE(slept);
}

TEST(FakeClockTest, AStopWakesASleeper) {
  FakeClock clock;
  bool slept = true;
  std::jthread sleeper([&](const std::stop_token& stop) { slept = clock.sleep(30s, stop); });
  ASSERT_TRUE(await([&] { return clock.sleepers() == 1; }));
  sleeper.request_stop();
  sleeper.join();
  EXPECT_FALSE(slept);
}

TEST(FakeClockTest, AutoAdvanceMovesTheTimeByWhatWasAskedFor) {
  FakeClock clock;
  clock.auto_advance();
  const auto start = clock.now();
  EXPECT_TRUE(clock.sleep(500ms, {}));
  EXPECT_TRUE(clock.sleep(1s, {}));
  EXPECT_EQ(clock.now() - start, 1500ms);
  EXPECT_EQ(clock.slept(), (std::vector<base::Clock::Duration>{500ms, 1s}));
}

}  // namespace
}  // namespace lockkeeper::support
