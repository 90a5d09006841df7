// Changes of type that touch no row, and casts that take every value.
#include "dbcore/plan/native.h"

#include <gtest/gtest.h>

namespace lockkeeper::plan {
namespace {

catalog::Column column_of_type(const std::string& type) {
  catalog::Column column;
  column.name = "c";
  column.type = type;
  return column;
}

bool native(const std::string& from, const std::string& to, bool utc = false,
            const catalog::Table& table = {}) {
  catalog::Server server;
  server.all_time_zones_utc = utc;
  catalog::Type type;
  type.name = to;
  return metadata_only(server, table, column_of_type(from), type);
}

TEST(NativeTest, LimitsThatWidenTouchTheCatalogOnly) {
  EXPECT_TRUE(native("character varying(20)", "character varying(40)"));
  EXPECT_TRUE(native("character varying(20)", "text"));
  EXPECT_TRUE(native("text", "character varying"));
  EXPECT_TRUE(native("numeric(10,2)", "numeric(12,2)"));
  EXPECT_TRUE(native("numeric(10,2)", "numeric"));
  EXPECT_TRUE(native("timestamp(3) without time zone", "timestamp without time zone"));
}

TEST(NativeTest, WhatWritesOrReadsRowsIsNotNative) {
  EXPECT_FALSE(native("character varying(40)", "character varying(20)"));
  EXPECT_FALSE(native("text", "character varying(20)"));
  EXPECT_FALSE(native("numeric(10,2)", "numeric(12,4)"));
  EXPECT_FALSE(native("numeric", "numeric(12,4)"));
  EXPECT_FALSE(native("integer", "bigint"));
  EXPECT_FALSE(native("timestamp without time zone", "timestamp(3) without time zone"));
  EXPECT_FALSE(native("json", "jsonb"));
}

TEST(NativeTest, TimestampsAreAlikeOnlyWhereEveryTimeZoneIsUtc) {
  EXPECT_FALSE(native("timestamp without time zone", "timestamp with time zone", false));
  EXPECT_TRUE(native("timestamp without time zone", "timestamp with time zone", true));
}

TEST(NativeTest, AnIndexWithAnExpressionOrPredicateWouldBeBuiltAgain) {
  catalog::Table table;
  catalog::Index index;
  index.name = "i";
  index.reads = {"c"};
  index.keys = {{"c"}};
  table.indexes = {index};
  EXPECT_TRUE(native("character varying(20)", "text", false, table));
  EXPECT_FALSE(native("timestamp without time zone", "timestamp with time zone", true, table));
  table.indexes[0].partial = true;
  EXPECT_FALSE(native("character varying(20)", "text", false, table));
  table.indexes[0].partial = false;
  table.indexes[0].keys = {{""}};
  EXPECT_FALSE(native("character varying(20)", "text", false, table));
}

TEST(NativeTest, ACheckWouldBeReadAgain) {
  catalog::Table table;
  catalog::Constraint check;
  check.columns = {"c"};
  table.constraints = {check};
  EXPECT_FALSE(native("character varying(20)", "text", false, table));
}

TEST(CastTest, OnlyCastsThatTakeEveryValueEverywhereNeedNoExpression) {
  EXPECT_TRUE(cast_cannot_fail("integer", "bigint"));
  EXPECT_TRUE(cast_cannot_fail("integer", "numeric"));
  EXPECT_TRUE(cast_cannot_fail("uuid", "text"));
  EXPECT_FALSE(cast_cannot_fail("bigint", "integer"));
  EXPECT_FALSE(cast_cannot_fail("bigint", "double precision"));
  EXPECT_FALSE(cast_cannot_fail("integer", "numeric(5,2)"));
  EXPECT_FALSE(cast_cannot_fail("text", "integer"));
  EXPECT_FALSE(cast_cannot_fail("date", "text"));
  EXPECT_FALSE(cast_cannot_fail("timestamp without time zone", "timestamp with time zone"));
  EXPECT_FALSE(cast_cannot_fail("json", "jsonb"));
}

}  // namespace
}  // namespace lockkeeper::plan
