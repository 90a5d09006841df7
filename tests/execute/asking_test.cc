#include <gtest/gtest.h>

#include <array>

#include "dbcore/execute/lock_protocol.h"

namespace lockkeeper::execute {
namespace {

using namespace std::chrono_literals;
using Steady = base::Clock::Steady;

Blocker holder(int pid, std::chrono::milliseconds held) {
  Blocker made;
  made.pid = pid;
  made.held = held;
  made.query_age = std::chrono::duration_cast<std::chrono::seconds>(held);
  return made;
}

TEST(AskingTest, ItBeginsShortAndGrowsToTheBudgetAsHoursPass) {
  const Steady start;
  const Asking asking(500ms, start);
  EXPECT_EQ(asking.length(start), 80ms);
  EXPECT_LT(asking.length(start + 10min), 110ms);
  EXPECT_EQ(asking.length(start + 3h), 500ms);
  EXPECT_EQ(Asking(50ms, start).length(start), 50ms);
}

TEST(AskingTest, ItRestsFourTimesAsLongAsItAsked) {
  Steady now;
  Asking asking(500ms, now);
  asking.failed(now, 80ms);
  EXPECT_FALSE(asking.due(now + 300ms, {holder(1, 10ms)}));
  EXPECT_TRUE(asking.due(now + 500ms, {holder(1, 10ms)}));
}

TEST(AskingTest, WhatIsOutOfSightGetsItsRestToo) {
  Steady now;
  Asking asking(500ms, now);
  asking.failed(now, 80ms);
  EXPECT_FALSE(asking.due(now + 100ms, {}));
  EXPECT_TRUE(asking.due(now + 500ms, {}));
}

TEST(AskingTest, ItAsksAtOnceWhenThoseWhoBlockedAreGone) {
  Steady now;
  Asking asking(500ms, now);
  asking.failed(now, 80ms);
  EXPECT_FALSE(asking.due(now + 50ms, {holder(1, 60s)}));
  EXPECT_TRUE(asking.due(now + 100ms, {}));
}

TEST(AskingTest, SomebodyWhoHasBeenThereForLongIsAskedSeldom) {
  Steady now;
  Asking asking(500ms, now);
  asking.failed(now, 80ms);
  EXPECT_FALSE(asking.due(now + 1900ms, {holder(1, 60s)}));
  EXPECT_TRUE(asking.due(now + 2500ms, {holder(1, 60s)}));
}

// Two readers of 5 s each, half a life apart: one of them is always there. A model of the lock
// queue: whoever ends while an ask waits starts again when the ask is over.
TEST(AskingTest, TwoReadersThatTakeTurnsAreBroughtToEndTogether) {
  const Steady zero;
  std::array<std::chrono::milliseconds, 2> began = {0ms, 2500ms};
  const auto life = 5000ms;
  Asking asking(500ms, zero + 3s);
  std::chrono::milliseconds asked_in_all{0};
  auto now = 3000ms;
  while (now < 120s) {
    for (auto& start : began) {
      if (now - start >= life) start = now;
    }
    if (!asking.due(zero + now,
                    {holder(1, now - began[0] + 1ms), holder(2, now - began[1] + 1ms)})) {
      now += 50ms;
      continue;
    }
    const auto until = now + asking.length(zero + now);
    const auto last_end = std::max(began[0], began[1]) + life;
    if (last_end <= until) break;
    asked_in_all += until - now;
    for (auto& start : began) {
      if (start + life <= until) start = until;
    }
    now = until;
    asking.failed(zero + now, asking.length(zero + now));
  }
  EXPECT_LT(now, 3s + 60s);
  EXPECT_LT(asked_in_all * 5, now);
}

}  // namespace
}  // namespace lockkeeper::execute
