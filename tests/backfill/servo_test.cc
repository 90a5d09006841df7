#include "dbcore/backfill/servo.h"

#include <gtest/gtest.h>

namespace lockkeeper::backfill {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds target{300};

TEST(ServoTest, GrowsByHalfAtMostTowardsTheTarget) {
  Servo servo(target, {});
  EXPECT_EQ(servo.size(), 1'000);
  servo.record(1'000, milliseconds(10));
  EXPECT_EQ(servo.size(), 1'500);
  servo.record(1'500, milliseconds(15));
  EXPECT_EQ(servo.size(), 2'250);
}

TEST(ServoTest, SettlesWhereAChunkTakesTheTarget) {
  Servo servo(target, {});
  for (int i = 0; i < 40; ++i) servo.record(servo.size(), servo.size() * milliseconds(1) / 100);
  EXPECT_EQ(servo.size(), 30'000);
}

TEST(ServoTest, TheSlowTenthOfTheLastTenDecides) {
  Servo servo(target, {10, 100'000, 10'000});
  for (int i = 0; i < 9; ++i) servo.record(10'000, milliseconds(300));
  EXPECT_EQ(servo.size(), 10'000);
  servo.record(10'000, milliseconds(600));
  EXPECT_EQ(servo.size(), 10'000);  // one of ten
  servo.record(10'000, milliseconds(600));
  EXPECT_EQ(servo.size(), 5'000);  // two of ten
}

TEST(ServoTest, FarBeyondTheTargetItShrinksAtOnce) {
  Servo servo(target, {10, 100'000, 50'000});
  servo.record(50'000, milliseconds(3'000));
  EXPECT_EQ(servo.size(), 5'000);
}

TEST(ServoTest, KeepsItsFloorAndCeiling) {
  Servo servo(target, {});
  for (int i = 0; i < 60; ++i) servo.record(servo.size(), milliseconds(1));
  EXPECT_EQ(servo.size(), 100'000);
  servo.record(servo.size(), std::chrono::hours(10));
  EXPECT_EQ(servo.size(), 10);
  servo.halve();
  EXPECT_EQ(servo.size(), 10);
}

TEST(ServoTest, HalvesWhenSomebodyWasInTheWay) {
  Servo servo(target, {10, 100'000, 1'000});
  servo.halve();
  EXPECT_EQ(servo.size(), 500);
}

TEST(ServoTest, GoesOnWhereAnEarlierRunWas) {
  Servo servo(target, {});
  servo.resume_at(0);
  EXPECT_EQ(servo.size(), 1'000);
  servo.resume_at(77'000);
  EXPECT_EQ(servo.size(), 77'000);
}

TEST(ServoTest, AnEmptyChunkTeachesNothing) {
  Servo servo(target, {});
  servo.record(0, milliseconds(1));
  EXPECT_EQ(servo.size(), 1'000);
}

}  // namespace
}  // namespace lockkeeper::backfill
