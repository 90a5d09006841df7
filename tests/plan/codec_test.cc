// A plan as JSON: complete, canonical, and read strictly.
#include "dbcore/plan/codec.h"

#include <gtest/gtest.h>

#include "dbcore/plan/acl.h"
#include "dbcore/plan/hash.h"
#include "dbcore/plan/names.h"

namespace lockkeeper::plan {
namespace {

Plan full_plan() {
  const Relation table{7, "public", "users", false};
  Action action;
  action.kind = ActionKind::concurrently;
  action.statements = {"CREATE INDEX CONCURRENTLY i ON t (c)"};
  action.locks = {table};
  action.lock = LockMode::share_update_exclusive;
  action.index_schema = "public";
  action.index_name = "i";
  Step build;
  build.id = "index-i";
  build.stage = Stage::index;
  build.summary = "build \"i\"";
  build.operations = {0, 2};
  build.duration = DurationClass::index_build;
  build.action = action;
  build.precheck = "SELECT true";
  build.postcheck = "SELECT false";
  build.diagnosis = "SELECT 'x'";
  build.undo = {action};
  build.irreversible = true;
  build.breaks_old_version = true;
  build.statement_timeout_ms = 0;
  Step fill;
  fill.id = "backfill-users";
  fill.stage = Stage::backfill;
  fill.backfill = Backfill{table, {table}, {"id"}, "p", "s", false, 12.5};
  Step verify;
  verify.id = "verify-users";
  verify.stage = Stage::verify;
  verify.verify = Verify{table, {}, {"id"}, "m", "p"};
  Plan plan;
  plan.schema = "public";
  plan.steps = {build, fill, verify};
  plan.findings = {{Severity::hazard, "L028", "contract-users", "gone"}};
  plan.tables = {table};
  plan.facts = {"a", "b"};
  plan.fingerprint = "f";
  plan.hash = "h";
  plan.probes = {{"spec", "SELECT 1", "no", "do"}};
  return plan;
}

TEST(CodecTest, WhatIsWrittenIsReadBack) {
  const auto plan = full_plan();
  const auto read = from_json(to_json(plan));
  ASSERT_TRUE(read.ok()) << read.error().text();
  EXPECT_TRUE(*read == plan);
  EXPECT_EQ(to_json(*read), to_json(plan));
}

std::string error_of(std::string text) {
  const auto read = from_json(text);
  return read.ok() ? "" : read.error().text();
}

std::string replaced(const std::string& from, const std::string& to) {
  auto text = to_json(full_plan());
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST(CodecTest, ReadingIsStrict) {
  EXPECT_NE(error_of("nonsense").find("JSON"), std::string::npos);
  EXPECT_NE(
      error_of(replaced("\"schema\":\"public\",\"steps\"", "\"steps\"")).find("schema is missing"),
      std::string::npos);
  EXPECT_NE(error_of(replaced("\"stage\":\"index\"", "\"stage\":\"nap\"")).find("steps[0].stage"),
            std::string::npos);
  EXPECT_NE(error_of(replaced("\"irreversible\":true", "\"irreversible\":1")).find("irreversible"),
            std::string::npos);
  EXPECT_NE(error_of(replaced("\"fingerprint\"", "\"extra\":1,\"fingerprint\"")).find("extra"),
            std::string::npos);
}

TEST(CodecTest, ANewerFormatSaysWhoCanReadIt) {
  const auto read = from_json(replaced("\"format\":1", "\"format\":99"));
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().reason, "NewerPlan");
  EXPECT_FALSE(read.error().hint.empty());
}

TEST(HashTest, IsSha256) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(NamesTest, OfTwoObjectsAreCutAsPostgresCutsThem) {
  EXPECT_EQ(object_name("users", "slug", "key"), "users_slug_key");
  const auto long_name = object_name(std::string(60, 'a'), std::string(60, 'b'), "fkey");
  EXPECT_EQ(long_name.size(), 63U);
  EXPECT_EQ(long_name.substr(57), "b_fkey");
}

TEST(NamesTest, AreCutBetweenCharacters) {
  std::string name;
  for (int i = 0; i < 40; ++i) name += "ü";
  const auto cut = bounded(name);
  EXPECT_LE(cut.size(), 63U);
  EXPECT_EQ(cut[cut.size() - 9], '_');
  EXPECT_EQ((cut.size() - 9) % 2, 0U);
}

TEST(NamesTest, ARolloutsIdIsStableAndItsOwn) {
  EXPECT_EQ(rollout_id("public", "shop/a").size(), 8U);
  EXPECT_EQ(rollout_id("public", "shop/a"), rollout_id("public", "shop/a"));
  EXPECT_NE(rollout_id("public", "shop/a"), rollout_id("public", "shop/b"));
}

TEST(AclTest, ItemsBecomeGrants) {
  const auto rights = rights_of("\"we\"\"ird\"=ar*/owner");
  ASSERT_EQ(rights.size(), 2U);
  EXPECT_EQ(rights[0].privilege, "INSERT");
  EXPECT_EQ(rights[0].grantee.text(), "\"we\"\"ird\"");
  EXPECT_FALSE(rights[0].grantable);
  EXPECT_EQ(rights[1].privilege, "SELECT");
  EXPECT_TRUE(rights[1].grantable);
  EXPECT_EQ(rights_of("=r/owner")[0].grantee.text(), "PUBLIC");
}

}  // namespace
}  // namespace lockkeeper::plan
