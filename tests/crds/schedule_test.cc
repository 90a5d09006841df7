#include "crds/schedule.h"

#include <gtest/gtest.h>

#include "crds/duration.h"

namespace lockkeeper::crds {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

Schedule schedule(std::initializer_list<Window> windows) {
  return Schedule::make(std::vector<Window>(windows)).value();
}

Schedule::Time at(std::string_view text) {
  return parse_time(text).value();
}

std::string text(std::optional<Schedule::Time> time) {
  if (!time) return "never";
  return format_time(std::chrono::floor<std::chrono::seconds>(*time));
}

TEST(Schedule, WithoutWindowsItIsAlwaysOpen) {
  EXPECT_TRUE(schedule({}).open(at("2026-11-27T15:00:00Z")));
  EXPECT_EQ(text(schedule({}).closes_at(at("2026-11-27T15:00:00Z"))), "never");
  EXPECT_EQ(text(schedule({}).opens_at(at("2026-11-27T15:00:00Z"))), "never");
}

TEST(Schedule, NoFridayAfternoonInSeoul) {
  const Schedule weekdays = schedule({{"0 9 * * 1-4", hours(6), "Asia/Seoul"}});
  EXPECT_TRUE(weekdays.open(at("2026-11-26T00:00:00Z")));   // Thursday 09:00
  EXPECT_TRUE(weekdays.open(at("2026-11-26T05:59:59Z")));   // Thursday 14:59:59
  EXPECT_FALSE(weekdays.open(at("2026-11-26T06:00:00Z")));  // Thursday 15:00
  EXPECT_FALSE(weekdays.open(at("2026-11-27T02:00:00Z")));  // Friday 11:00
  EXPECT_FALSE(weekdays.open(at("2026-11-25T23:59:59Z")));  // Thursday 08:59:59
  EXPECT_EQ(text(weekdays.closes_at(at("2026-11-26T02:00:00Z"))), "2026-11-26T06:00:00Z");
  EXPECT_EQ(text(weekdays.closes_at(at("2026-11-27T02:00:00Z"))), "never");
  EXPECT_EQ(text(weekdays.opens_at(at("2026-11-27T02:00:00Z"))), "2026-11-30T00:00:00Z");
}

TEST(Schedule, AWindowReachesOverMidnightAndTheMonth) {
  const Schedule nights = schedule({{"30 22 31 10 *", hours(4), "UTC"}});
  EXPECT_TRUE(nights.open(at("2026-11-01T02:29:59Z")));
  EXPECT_FALSE(nights.open(at("2026-11-01T02:30:00Z")));
}

TEST(Schedule, WindowsThatTouchCloseTogether) {
  const Schedule two = schedule({{"0 9 * * *", hours(2), "UTC"}, {"0 11 * * *", hours(3), "UTC"}});
  EXPECT_EQ(text(two.closes_at(at("2026-11-26T09:30:00Z"))), "2026-11-26T14:00:00Z");
  const Schedule always = schedule({{"0 * * * *", hours(1), "UTC"}});
  EXPECT_EQ(text(always.closes_at(at("2026-11-26T09:30:00Z"))), "never");
  EXPECT_TRUE(always.open(at("2026-11-26T09:30:00Z")));
}

TEST(Schedule, ATimeThatSpringSkipsOpensAtTheChangeItself) {
  const Schedule berlin = schedule({{"30 2 * * *", minutes(20), "Europe/Berlin"}});
  EXPECT_EQ(text(berlin.opens_at(at("2026-03-28T12:00:00Z"))), "2026-03-29T01:00:00Z");
  EXPECT_TRUE(berlin.open(at("2026-03-29T01:19:59Z")));
  EXPECT_FALSE(berlin.open(at("2026-03-29T01:30:00Z")));
}

TEST(Schedule, ATimeThatAutumnRepeatsOpensOnceOnly) {
  const Schedule berlin = schedule({{"30 2 * * *", minutes(20), "Europe/Berlin"}});
  EXPECT_EQ(text(berlin.opens_at(at("2026-10-24T12:00:00Z"))), "2026-10-25T00:30:00Z");
  EXPECT_TRUE(berlin.open(at("2026-10-25T00:40:00Z")));
  EXPECT_FALSE(berlin.open(at("2026-10-25T01:40:00Z")));
  EXPECT_EQ(text(berlin.opens_at(at("2026-10-25T00:30:00Z"))), "2026-10-26T01:30:00Z");
}

TEST(Schedule, WallTimeStaysAndUtcMovesWithTheSeason) {
  const Schedule morning = schedule({{"0 9 * * *", hours(1), "America/New_York"}});
  EXPECT_EQ(text(morning.opens_at(at("2026-01-15T00:00:00Z"))), "2026-01-15T14:00:00Z");
  EXPECT_EQ(text(morning.opens_at(at("2026-07-15T00:00:00Z"))), "2026-07-15T13:00:00Z");
}

TEST(Cron, EitherDayFieldMatchesWhenBothAreRestricted) {
  const Schedule either = schedule({{"0 0 13 * 5", hours(1), "UTC"}});
  EXPECT_TRUE(either.open(at("2026-11-13T00:30:00Z")));   // Friday the 13th
  EXPECT_TRUE(either.open(at("2026-11-20T00:30:00Z")));   // a Friday
  EXPECT_TRUE(either.open(at("2026-12-13T00:30:00Z")));   // a Sunday, the 13th
  EXPECT_FALSE(either.open(at("2026-11-19T00:30:00Z")));  // neither
}

TEST(Cron, UnderstandsListsRangesStepsAndNames) {
  const Schedule mixed = schedule({{"*/20,5 8-10/2 * JAN,mar-Apr sun,7", minutes(1), "UTC"}});
  EXPECT_EQ(text(mixed.opens_at(at("2026-01-01T00:00:00Z"))), "2026-01-04T08:00:00Z");
  EXPECT_EQ(text(mixed.opens_at(at("2026-01-04T08:00:00Z"))), "2026-01-04T08:05:00Z");
  EXPECT_EQ(text(mixed.opens_at(at("2026-01-04T08:40:00Z"))), "2026-01-04T10:00:00Z");
  EXPECT_EQ(text(mixed.opens_at(at("2026-01-31T00:00:00Z"))), "2026-03-01T08:00:00Z");
}

TEST(Cron, LeapDaysAreFound) {
  const Schedule leap = schedule({{"0 0 29 2 *", hours(1), "UTC"}});
  EXPECT_EQ(text(leap.opens_at(at("2026-11-22T00:00:00Z"))), "2028-02-29T00:00:00Z");
}

TEST(Cron, MistakesAreRefusedWithThePath) {
  const auto refused = [](const char* cron, const char* zone) {
    const std::vector<Window> windows = {{"0 9 * * 1", hours(1), "UTC"}, {cron, hours(1), zone}};
    const auto made = Schedule::make(windows);
    return made.ok() ? std::string("accepted") : made.error().path;
  };
  for (const char* cron : {"", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
                           "* * * * 8", "5-1 * * * *", "*/0 * * * *", "a * * * *", "1, * * * *",
                           "@daily", "0 0 30 2 *", "* * * * * *"}) {
    EXPECT_EQ(refused(cron, "UTC"), "spec.windows[1].cron") << cron;
  }
  EXPECT_EQ(refused("0 9 * * *", "Mars/Olympus"), "spec.windows[1].timeZone");
  EXPECT_EQ(refused("0 9 * * *", "Europe/Berlin"), "accepted");
}

}  // namespace
}  // namespace lockkeeper::crds
