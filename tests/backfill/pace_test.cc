#include <gtest/gtest.h>

#include "dbcore/backfill/meter.h"
#include "dbcore/backfill/target.h"
#include "dbcore/backfill/throttle.h"
#include "tests/support/fake_clock.h"

namespace lockkeeper::backfill {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ReplicaLagTest, WithinTheLimitThereIsNoReason) {
  EXPECT_EQ(replica_lag_reason({milliseconds(0), ""}, {}), "");
  EXPECT_EQ(replica_lag_reason({milliseconds(5'000), "r1"}, {}), "");
}

TEST(ReplicaLagTest, BeyondItTheReasonNamesTheReplica) {
  EXPECT_EQ(replica_lag_reason({milliseconds(7'250), "r1"}, {}),
            "replica r1 is 7.2 s behind, the limit is 5.0 s");
}

TEST(ReplicaLagTest, WhatIsHiddenIsAReasonToo) {
  EXPECT_EQ(replica_lag_reason({std::nullopt, ""}, {}),
            "the lag of the replicas is hidden from our role");
}

TEST(MeterTest, TellsRateAndRemainingTime) {
  support::FakeClock clock;
  Progress told;
  const Report report = [&](const Progress& now) { told = now; };
  Meter meter(clock, report, 1'000, 11'000);
  for (int i = 0; i < 4; ++i) {
    clock.advance(seconds(1));
    meter.add(500);
  }
  EXPECT_EQ(told.rows_done, 3'000);
  EXPECT_DOUBLE_EQ(told.rows_per_second, 500);
  EXPECT_EQ(told.remaining, seconds(16));
}

TEST(MeterTest, ARateFollowsSlowly) {
  support::FakeClock clock;
  const Report none;
  Meter meter(clock, none, 0, 1'000'000);
  clock.advance(seconds(1));
  meter.add(1'000);
  clock.advance(seconds(1));
  meter.add(0);
  const double rate = meter.read().rows_per_second;
  EXPECT_GT(rate, 800);
  EXPECT_LT(rate, 1'000);
}

TEST(MeterTest, AnEstimateThatWasTooLowGrowsAndTheEndIsKnown) {
  support::FakeClock clock;
  const Report none;
  Meter meter(clock, none, 0, 10);
  meter.add(25);
  EXPECT_EQ(meter.read().rows_total, 25);
  meter.throttled("slow");
  EXPECT_EQ(meter.read().throttled, "slow");
  Meter high(clock, none, 0, 1'000);
  high.add(7);
  EXPECT_EQ(high.finish().rows_total, 7);
  EXPECT_EQ(high.finish().throttled, "");
}

Target by_key(std::vector<KeyColumn> key) {
  Target target;
  target.relation = {1, "public", "t", false};
  target.key = std::move(key);
  return target;
}

TEST(SpanTest, OneColumnIsComparedPlainly) {
  const auto predicate =
      in_span(by_key({{"id", "bigint", "pg_catalog"}}), {Position{"5"}, Position{"9"}});
  EXPECT_EQ(predicate.text, "\"id\" > CAST($1 AS bigint) AND \"id\" <= CAST($2 AS bigint)");
  EXPECT_EQ(predicate.values, (std::vector<std::string>{"5", "9"}));
}

TEST(SpanTest, SeveralColumnsAreComparedAsARow) {
  const auto predicate = in_span(by_key({{"a", "text", "pg_catalog"}, {"b", "int", "pg_catalog"}}),
                                 {Position{"x", "1"}, std::nullopt});
  EXPECT_EQ(predicate.text, "ROW(\"a\", \"b\") > ROW(CAST($1 AS text), CAST($2 AS int))");
}

TEST(SpanTest, OperatorsOfAnExtensionAreQualified) {
  const auto predicate =
      in_span(by_key({{"a", "public.citext", "public"}, {"b", "int", "pg_catalog"}}),
              {std::nullopt, Position{"x", "1"}}, 3);
  EXPECT_EQ(predicate.text,
            "\"a\" OPERATOR(\"public\".<=) CAST($3 AS public.citext) AND (\"a\" "
            "OPERATOR(\"public\".<) CAST($3 AS public.citext) OR (\"a\" OPERATOR(\"public\".=) "
            "CAST($3 AS public.citext) AND \"b\" OPERATOR(\"pg_catalog\".<=) CAST($4 AS int)))");
}

TEST(SpanTest, BlocksAreRangesOfPlaces) {
  const auto predicate = in_span(by_key({}), {Position{"16"}, Position{"32"}});
  EXPECT_EQ(predicate.text,
            "ctid >= CAST($1 AS pg_catalog.tid) AND ctid < CAST($2 AS pg_catalog.tid)");
  EXPECT_EQ(predicate.values, (std::vector<std::string>{"(16,0)", "(32,0)"}));
}

TEST(SpanTest, WithoutBoundsEverythingIsMeant) {
  EXPECT_EQ(in_span(by_key({}), {}).text, "true");
}

}  // namespace
}  // namespace lockkeeper::backfill
