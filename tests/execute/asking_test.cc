#include <gtest/gtest.h>

#include <array>

#include "dbcore/execute/lives.h"
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

Blocker hidden(int pid, const std::string& transaction) {
  Blocker made;
  made.pid = pid;
  made.age_at_least = true;
  made.transaction = transaction;
  return made;
}

TEST(LivesTest, ATransactionWhoseBeginningWasSeenIsTimed) {
  Lives lives;
  Steady now;
  const auto look = [&](std::vector<Blocker> there) {
    now += 50ms;
    lives.complete(there, now);
    return there;
  };
  look({hidden(1, "3/7")});
  EXPECT_EQ(look({hidden(1, "3/7")})[0].held, 0ms) << "it was there before us";
  EXPECT_EQ(look({hidden(1, "3/8")})[0].held, 1ms);
  EXPECT_EQ(look({hidden(1, "3/8")})[0].held, 51ms);
  EXPECT_EQ(look({hidden(2, "4/1"), hidden(1, "3/8")})[0].pid, 1) << "the longest stands first";
  now += 10s;
  EXPECT_EQ(look({hidden(1, "3/9")})[0].held, 0ms) << "nobody saw when it began";
}

// One reader of 5 s after the other, which ends while an ask waits or not at all.
Steady granted(Asking& asking, bool visible, Steady from, std::chrono::milliseconds began) {
  Lives lives;
  const Steady zero;
  auto now = std::chrono::duration_cast<std::chrono::milliseconds>(from - zero);
  int life = 0;
  while (now < 300s) {
    while (now - began >= 5s) {
      began += 5s;
      ++life;
    }
    auto reader = hidden(1, std::to_string(life));
    reader.age_at_least = !visible;
    if (visible) reader.held = now - began + 1ms;
    std::vector<Blocker> there = {reader};
    lives.complete(there, zero + now);
    if (!asking.due(zero + now, there)) {
      now += 50ms;
      continue;
    }
    const auto until = now + asking.length(zero + now);
    if (began + 5s <= until) break;
    now = until;
    asking.failed(zero + now, asking.length(zero + now));
  }
  return zero + now;
}

TEST(AskingTest, AReaderBackToBackIsMetAtItsEndWhetherItsAgeShowsOrNot) {
  const Steady zero;
  for (const bool visible : {true, false}) {
    for (auto start = 0ms; start < 5s; start += 230ms) {
      Asking asking(500ms, zero + start);
      const auto end = granted(asking, visible, zero + start, 0ms);
      EXPECT_LT(end - (zero + start), 21s) << visible << " from " << start.count();
    }
  }
}

TEST(AskingTest, WhatOneStepLearnedTheNextOneUses) {
  const Steady zero;
  Asking first(500ms, zero);
  const auto begin = granted(first, true, zero, 0ms) + 1s;
  Asking next(500ms, begin);
  next.expect(first.followed());
  const auto began = 5s * ((begin - zero) / 5s);
  const auto end =
      granted(next, true, begin, std::chrono::duration_cast<std::chrono::milliseconds>(began));
  EXPECT_LT(end - begin, 5s);
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
