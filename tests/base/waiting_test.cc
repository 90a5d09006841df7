#include <gtest/gtest.h>

#include <thread>

#include "dbcore/base/backoff.h"
#include "dbcore/base/context.h"
#include "dbcore/base/linked_stop.h"
#include "tests/support/fake_clock.h"

namespace lockkeeper::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(BackoffTest, DoublesUpToItsMaximum) {
  Backoff backoff({milliseconds(500), 2.0, milliseconds(3'000), 0.0});
  EXPECT_EQ(backoff.next(), milliseconds(500));
  EXPECT_EQ(backoff.next(), milliseconds(1'000));
  EXPECT_EQ(backoff.next(), milliseconds(2'000));
  EXPECT_EQ(backoff.next(), milliseconds(3'000));
  EXPECT_EQ(backoff.tries(), 4);
  backoff.reset();
  EXPECT_EQ(backoff.next(), milliseconds(500));
}

TEST(BackoffTest, StaysAtItsMaximumForEver) {
  Backoff backoff({milliseconds(500), 2.0, milliseconds(3'000), 0.0});
  for (int i = 0; i < 5'000; ++i) (void)backoff.next();
  EXPECT_EQ(backoff.next(), milliseconds(3'000));
}

TEST(BackoffTest, JitterSpreadsBothWays) {
  const BackoffPolicy policy{milliseconds(1'000), 2.0, milliseconds(60'000), 0.5};
  EXPECT_EQ(Backoff(policy, [] { return 0.0; }).next(), milliseconds(500));
  EXPECT_EQ(Backoff(policy, [] { return 0.5; }).next(), milliseconds(1'000));
}

TEST(ContextTest, TheEarlierDeadlineCounts) {
  support::FakeClock clock;
  const Context ctx({}, clock, {});
  EXPECT_EQ(ctx.remaining(), Clock::Duration::max());
  const Context narrow = ctx.with_timeout(seconds(5)).with_timeout(seconds(9));
  EXPECT_EQ(narrow.remaining(), seconds(5));
  clock.advance(seconds(5));
  EXPECT_EQ(narrow.check().error().code, ErrorCode::unavailable);
  EXPECT_TRUE(ctx.check().ok());
}

TEST(ContextTest, ATimeoutWithoutEndIsNoDeadline) {
  EXPECT_EQ(Context().with_timeout(Clock::Duration::max()).remaining(), Clock::Duration::max());
}

TEST(ContextTest, ASleepEndsAtTheDeadline) {
  support::FakeClock clock;
  clock.auto_advance();
  const Context ctx = Context({}, clock, {}).with_timeout(seconds(1));
  EXPECT_EQ(ctx.sleep(seconds(10)).error().code, ErrorCode::unavailable);
  EXPECT_EQ(clock.slept().front(), seconds(1));
}

TEST(ClockTest, ASleepWithoutEndIsEndedByAStop) {
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_FALSE(Clock::real().sleep(Clock::Duration::max(), stop.get_token()));
}

TEST(LinkedStopTest, IsStoppedFromOutsideAndFromWithin) {
  std::stop_source outer;
  LinkedStop within(outer.get_token());
  LinkedStop from_outside(outer.get_token());
  within.request();
  EXPECT_TRUE(within.token().stop_requested());
  EXPECT_FALSE(outer.stop_requested());
  EXPECT_FALSE(from_outside.token().stop_requested());
  outer.request_stop();
  EXPECT_TRUE(from_outside.token().stop_requested());
}

TEST(LinkedStopTest, ATokenOutlivesIt) {
  std::stop_source outer;
  std::stop_token token;
  {
    const LinkedStop linked(outer.get_token());
    token = linked.token();
  }
  outer.request_stop();
  EXPECT_FALSE(token.stop_requested());
}

}  // namespace
}  // namespace lockkeeper::base
