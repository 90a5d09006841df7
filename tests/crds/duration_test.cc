#include "crds/duration.h"

#include <gtest/gtest.h>

namespace lockkeeper::crds {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

TEST(Duration, IsReadAsPeopleWriteIt) {
  EXPECT_EQ(parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_duration("10m"), minutes(10));
  EXPECT_EQ(parse_duration("24h"), hours(24));
  EXPECT_EQ(parse_duration("72h30m"), hours(72) + minutes(30));
  EXPECT_EQ(parse_duration("0s"), milliseconds(0));
}

TEST(Duration, NonsenseIsNoDuration) {
  for (const char* text : {"", "5", "m", "5 m", "-5m", "+5m", "1.5h", "5d", "5M", "5ms5",
                           "99999999999999999999h", "1000000h", "9223372036854775807s"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
}

TEST(Duration, PrintsShortestAndReadsBack) {
  EXPECT_EQ(format_duration(milliseconds(90'000)), "1m30s");
  EXPECT_EQ(format_duration(milliseconds(0)), "0s");
  EXPECT_EQ(format_duration(milliseconds(-1)), "0s");
  for (const std::int64_t ms : {1L, 999L, 1'000L, 61'001L, 86'400'000L, 259'200'001L}) {
    EXPECT_EQ(parse_duration(format_duration(milliseconds(ms))), milliseconds(ms));
  }
}

TEST(Time, IsReadInEveryFormThatTheApiServerWrites) {
  const auto noon = parse_time("2026-11-22T12:00:00Z");
  ASSERT_TRUE(noon.has_value());
  EXPECT_EQ(noon->time_since_epoch().count(), 1'795'348'800);
  EXPECT_EQ(parse_time("2026-11-22T12:00:00.123456Z"), noon);
  EXPECT_EQ(parse_time("2026-11-22T21:00:00+09:00"), noon);
  EXPECT_EQ(parse_time("2026-11-22T07:00:00-05:00"), noon);
  EXPECT_EQ(format_time(*noon), "2026-11-22T12:00:00Z");
}

TEST(Time, NonsenseIsNoTime) {
  for (const char* text : {"", "2026-11-22", "2026-02-30T00:00:00Z", "2026-11-22T24:00:00Z",
                           "2026-11-22T12:00:00", "2026-11-22T12:00:00Zx", "now"}) {
    EXPECT_FALSE(parse_time(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace lockkeeper::crds
