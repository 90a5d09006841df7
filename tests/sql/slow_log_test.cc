#include "dbcore/sql/slow_log.h"

#include <gtest/gtest.h>

namespace lockkeeper::sql {
namespace {

using std::chrono::milliseconds;

SlowStatement took(int ms) {
  SlowStatement statement;
  statement.took = milliseconds(ms);
  return statement;
}

TEST(SlowLogTest, KeepsTheLastOnesNewestFirst) {
  SlowLog log;
  for (int i = 1; i <= 150; ++i) log.add(took(i));
  const auto kept = log.read();
  ASSERT_EQ(kept.size(), SlowLog::most);
  EXPECT_EQ(kept.front().took, milliseconds(150));
  EXPECT_EQ(kept.back().took, milliseconds(51));
  EXPECT_EQ(log.count(), 150);
}

TEST(SlowLogTest, TheWorstIsToldOnce) {
  SlowLog log;
  log.add(took(9'000));
  log.add(took(6'000));
  EXPECT_EQ(log.take_worst(milliseconds(5'000))->took, milliseconds(9'000));
  EXPECT_FALSE(log.take_worst(milliseconds(5'000)));
  log.add(took(1'000));
  EXPECT_FALSE(log.take_worst(milliseconds(5'000)));
}

}  // namespace
}  // namespace lockkeeper::sql
