#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "crds/migration.h"

namespace lockkeeper::crds {
namespace {

using std::chrono::milliseconds;

Json minimal() {
  return parse_json(R"({
    "apiVersion": "lockkeeper.dev/v1alpha1", "kind": "Migration",
    "metadata": {"name": "users-v2", "namespace": "shop", "generation": 3, "uid": "u-1",
                 "resourceVersion": "41", "creationTimestamp": "2026-11-22T12:00:00Z",
                 "managedFields": [{"manager": "kubectl"}],
                 "labels": {"app": "shop"}, "annotations": {"lockkeeper.dev/orphan": "true"}},
    "spec": {"databaseRef": {"name": "shop"},
             "operations": [{"renameColumn": {"table": "users", "from": "name", "to": "nick"}}]}
  })")
      .value();
}

Json with_spec(const std::string& member, Json value) {
  Json object = minimal();
  object["spec"][member] = std::move(value);
  return object;
}

Json with_operation(Json operation) {
  return with_spec("operations", Json::array({std::move(operation)}));
}

// The path that a refused object names.
std::string refused_path(const Json& object) {
  const auto decoded = decode_migration(object);
  if (decoded.ok()) return "accepted";
  EXPECT_EQ(decoded.error().code, base::ErrorCode::invalid);
  EXPECT_FALSE(decoded.error().message.empty());
  return decoded.error().path;
}

TEST(MigrationCodec, AMinimalMigrationGetsTheDocumentedDefaults) {
  const auto decoded = decode_migration(minimal());
  ASSERT_TRUE(decoded.ok()) << decoded.error().text();
  const MigrationSpec& spec = decoded->spec;
  EXPECT_EQ(spec.backfill.chunk_time, milliseconds(300));
  EXPECT_EQ(spec.backfill.pause, milliseconds(100));
  EXPECT_EQ(spec.backfill.max_replica_lag, milliseconds(5'000));
  EXPECT_EQ(spec.safety.lock_timeout, milliseconds(500));
  EXPECT_EQ(spec.safety.approval, ApprovalPolicy::on_hazard);
  EXPECT_EQ(spec.exposure, Exposure::in_place);
  EXPECT_FALSE(spec.until.has_value());
  EXPECT_FALSE(spec.switch_spec.has_value());
  EXPECT_EQ(decoded->status.observed_generation, -1);
}

TEST(MigrationCodec, MetadataIsReadAndWhatIsNotOursInItIsSkipped) {
  const auto decoded = decode_migration(minimal());
  ASSERT_TRUE(decoded.ok()) << decoded.error().text();
  EXPECT_EQ(decoded->metadata.name, "users-v2");
  EXPECT_EQ(decoded->metadata.ns, "shop");
  EXPECT_EQ(decoded->metadata.generation, 3);
  EXPECT_EQ(decoded->metadata.resource_version, "41");
  EXPECT_EQ(decoded->metadata.labels.at("app"), "shop");
  EXPECT_EQ(decoded->metadata.annotation(annotation::orphan), "true");
  EXPECT_TRUE(decoded->metadata.creation_timestamp.has_value());
  EXPECT_FALSE(decoded->metadata.deleting());
}

TEST(MigrationCodec, TheShopsMigrationIsUnderstoodWhole) {
  Json object = with_spec("switch", parse_json(R"({
      "blueGreen": {"service": {"name": "shop"}, "selectorKey": "track",
                    "blue": {"deployment": "shop-blue", "value": "blue", "scaleDownDelay": "1s"},
                    "green": {"deployment": "shop-green", "value": "green"}},
      "checks": [{"http": {"url": "http://shop.shop/healthz"}},
                 {"prometheus": {"url": "http://prom", "query": "errors", "max": 0.01},
                  "interval": "5s", "failures": 2}],
      "bake": "3s"})")
                                        .value());
  object["spec"]["contract"] =
      parse_json(R"({"after": "3s", "drain": {"old": {"applicationName": "shop-blue"}}})").value();
  object["spec"]["until"] = "Contract";
  object["spec"]["windows"] =
      parse_json(R"([{"cron": "0 9 * * 1-4", "duration": "6h", "timeZone": "Asia/Seoul"}])")
          .value();
  const auto decoded = decode_migration(object);
  ASSERT_TRUE(decoded.ok()) << decoded.error().text();
  ASSERT_TRUE(decoded->spec.switch_spec.has_value());
  const SwitchSpec& how = *decoded->spec.switch_spec;
  EXPECT_EQ(how.blue_green.blue.scale_down_delay, milliseconds(1'000));
  EXPECT_EQ(how.bake, milliseconds(3'000));
  ASSERT_EQ(how.checks.size(), 2U);
  EXPECT_EQ(how.checks[0].http->expect, 200);
  EXPECT_EQ(how.checks[1].prometheus->max, 0.01);
  EXPECT_EQ(decoded->spec.contract.drain.old_version->application_name, "shop-blue");
  EXPECT_EQ(decoded->spec.until, Until::contract);
  EXPECT_EQ(decoded->spec.windows.at(0).duration, std::chrono::hours(6));
}

TEST(MigrationCodec, WhatIsWrittenReadsAsTheSame) {
  Json object = with_operation(parse_json(R"({"addColumn": {"table": "users", "up": "'free'",
      "column": {"name": "plan", "type": "text", "nullable": false, "collation": "C",
                 "check": {"name": "c", "expression": "plan <> ''"}, "comment": "what they pay",
                 "references": {"table": "plans", "columns": ["id"], "onDelete": "Cascade"}}}})")
                                   .value());
  const char* index_text = R"json({"createIndex": {"table": "users", "name": "i",
      "columns": [{"name": "plan", "order": "Desc", "nulls": "Last"},
                  {"expression": "lower(plan)"}],
      "include": ["id"], "where": "plan IS NOT NULL", "with": {"fillfactor": 70},
      "unique": true}})json";
  object["spec"]["operations"].push_back(parse_json(index_text).value());
  const auto once = decode_migration(object);
  ASSERT_TRUE(once.ok()) << once.error().text();
  const auto twice = decode_migration(encode(*once));
  ASSERT_TRUE(twice.ok()) << twice.error().text();
  EXPECT_EQ(*once, *twice);
  const auto& index = std::get<plan::CreateIndex>(once->spec.operations.at(1));
  ASSERT_EQ(index.with.size(), 1U);
  EXPECT_EQ(index.with[0], (std::pair<std::string, std::string>("fillfactor", "70")));
}

TEST(MigrationCodec, EveryKindOfOperationSurvivesTheWayThereAndBack) {
  for (const char* text :
       {R"({"addColumn": {"table": "t", "column": {"name": "c", "type": "int"}}})",
        R"({"dropColumn": {"table": "t", "column": "c", "down": "0"}})",
        R"({"renameColumn": {"table": "t", "from": "a", "to": "b"}})",
        R"({"changeType": {"table": "t", "column": "c", "type": "bigint", "to": "d"}})",
        R"({"setNotNull": {"table": "t", "column": "c", "up": "0"}})",
        R"({"createIndex": {"table": "t", "name": "i", "columns": [{"name": "c"}]}})",
        R"({"sql": {"expand": ["SELECT 1"], "rollback": ["SELECT 2"],
            "backfill": {"table": "t", "set": "a = 1", "where": "a IS NULL"}}})"}) {
    const auto once = decode_migration(with_operation(parse_json(text).value()));
    ASSERT_TRUE(once.ok()) << text << ": " << once.error().text();
    const auto twice = decode_migration(encode(*once));
    ASSERT_TRUE(twice.ok()) << text << ": " << twice.error().text();
    EXPECT_EQ(once->spec, twice->spec) << text;
  }
}

TEST(MigrationCodec, TheStatusPatchCarriesTheResourceVersionThatWasRead) {
  auto migration = decode_migration(minimal()).value();
  migration.status.phase = Phase::backfilling;
  migration.status.progress = "41%";
  migration.status.steps = StepsStatus{3, 7, "3/7", "backfill-users"};
  migration.status.conditions.set(ConditionType::ready, ConditionStatus::is_false,
                                  Reason::backfilling, "41 %", 3, std::chrono::sys_seconds{});
  const Json patch = status_patch(migration);
  EXPECT_EQ(patch["metadata"]["resourceVersion"], "41");
  EXPECT_EQ(patch["status"]["phase"], "Backfilling");
  EXPECT_EQ(patch["status"]["steps"]["progress"], "3/7");
  EXPECT_EQ(patch["status"]["conditions"][0]["lastTransitionTime"], "1970-01-01T00:00:00Z");
  EXPECT_FALSE(patch.contains("spec"));
}

TEST(MigrationCodec, AStatusIsCutToWhatTheApiServerTakes) {
  auto migration = decode_migration(minimal()).value();
  migration.status.message = std::string(40'000, 'm');
  migration.status.blockers.resize(9);
  migration.status.plan = PlanStatus{};
  migration.status.plan->hazards.resize(30, {"L028", "contract-1", std::string(5'000, 'h')});
  const Json status = status_patch(migration)["status"];
  EXPECT_EQ(status["message"].get<std::string>().size(), 32'768U);
  EXPECT_EQ(status["blockers"].size(), 5U);
  EXPECT_EQ(status["plan"]["hazards"].size(), 20U);
  EXPECT_EQ(status["plan"]["hazards"][0]["message"].get<std::string>().size(), 4'096U);
}

TEST(MigrationCodec, AWindowThatNeverOpensIsRefused) {
  EXPECT_EQ(refused_path(with_spec("windows", {{{"cron", "0 0 30 2 *"}, {"duration", "1h"}}})),
            "spec.windows[0].cron");
  EXPECT_EQ(refused_path(with_spec(
                "windows",
                {{{"cron", "0 9 * * 1-4"}, {"duration", "1h"}, {"timeZone", "Mars/Olympus"}}})),
            "spec.windows[0].timeZone");
  EXPECT_EQ(refused_path(with_spec("windows", {{{"cron", "0 9 * * 1-4"}, {"duration", "1s"}}})),
            "spec.windows[0].duration");
}

TEST(MigrationCodec, AStatusOfAnotherVersionDoesNotHideTheObject) {
  Json object = minimal();
  object["status"] = parse_json(R"({"observedGeneration": 2, "phase": "Levitating", "novelty": {},
      "conditions": [{"type": "Floating", "status": "True", "reason": "X", "message": "",
                      "lastTransitionTime": "2026-11-22T12:00:00Z"},
                     {"type": "Ready", "status": "True", "reason": "NotOurs", "message": "m",
                      "lastTransitionTime": "2026-11-22T12:00:00Z"}]})")
                         .value();
  const auto decoded = decode_migration(object);
  ASSERT_TRUE(decoded.ok()) << decoded.error().text();
  EXPECT_FALSE(decoded->status.phase.has_value());
  EXPECT_EQ(decoded->status.conditions.all().size(), 1U);
  EXPECT_TRUE(decoded->status.conditions.is_true(ConditionType::ready));
}

TEST(MigrationCodec, RefusalsNameThePath) {
  const auto op = [](const char* text) { return with_operation(parse_json(text).value()); };
  EXPECT_EQ(refused_path(with_spec("rolback", true)), "spec.rolback");
  EXPECT_EQ(refused_path(with_spec("tenants", Json::object())), "spec.tenants");
  EXPECT_EQ(refused_path(with_spec("suspend", "yes")), "spec.suspend");
  EXPECT_EQ(refused_path(with_spec("suspend", nullptr)), "spec.suspend");
  EXPECT_EQ(refused_path(with_spec("until", "Never")), "spec.until");
  EXPECT_EQ(refused_path(with_spec("exposure", "Views")), "spec.exposure");
  EXPECT_EQ(refused_path(with_spec("operations", Json::array())), "spec.operations");
  EXPECT_EQ(refused_path(with_spec("requires", {"a", "b", "a"})), "spec.requires[2]");
  EXPECT_EQ(refused_path(with_spec("requires", {"Not_A_Name"})), "spec.requires[0]");
  EXPECT_EQ(refused_path(with_spec("safety", {{"lockTimeout", "0s"}})), "spec.safety.lockTimeout");
  EXPECT_EQ(refused_path(with_spec("safety", {{"lockTimeout", 500}})), "spec.safety.lockTimeout");
  EXPECT_EQ(refused_path(with_spec("approval", {{"planHash", "abc"}})), "spec.approval.planHash");
  EXPECT_EQ(refused_path(with_spec("contract", {{"drain", {{"old", Json::object()}}}})),
            "spec.contract.drain.old");
  EXPECT_EQ(refused_path(op(R"({"renameColum": {}})")), "spec.operations[0].renameColum");
  EXPECT_EQ(refused_path(op(R"({})")), "spec.operations[0]");
  EXPECT_EQ(refused_path(op(R"({"dropColumn": {"table": "t", "column": "c"}, "sql": {}})")),
            "spec.operations[0]");
  EXPECT_EQ(refused_path(op(R"({"dropColumn": {"table": "t"}})")),
            "spec.operations[0].dropColumn.column");
  EXPECT_EQ(refused_path(op(R"({"dropColumn": {"table": "t", "column": "c", "cascade": true}})")),
            "spec.operations[0].dropColumn.cascade");
  EXPECT_EQ(refused_path(op(R"({"addColumn": {"table": "t",
                "column": {"name": "c", "type": "int", "identity": "Sometimes"}}})")),
            "spec.operations[0].addColumn.column.identity");
  EXPECT_EQ(refused_path(op(R"({"createIndex": {"table": "t", "name": "i",
                "columns": [{"name": "a", "expression": "b"}]}})")),
            "spec.operations[0].createIndex.columns[0]");
  EXPECT_EQ(refused_path(op(R"({"sql": {"rollback": ["SELECT 1"]}})")), "spec.operations[0].sql");
}

TEST(MigrationCodec, NamesAreCountedInBytesAndHostileOnesPass) {
  const auto rename_to = [](const std::string& name) {
    return with_operation({{"renameColumn", {{"table", "t"}, {"from", "a"}, {"to", name}}}});
  };
  EXPECT_EQ(refused_path(rename_to(std::string(63, 'x'))), "accepted");
  EXPECT_EQ(refused_path(rename_to(std::string(64, 'x'))), "spec.operations[0].renameColumn.to");
  std::string umlauts;
  for (int i = 0; i < 32; ++i) umlauts += "\xC3\xA4";
  EXPECT_EQ(refused_path(rename_to(umlauts)), "spec.operations[0].renameColumn.to");
  for (const char* name : {"\"; drop table users --", "a\"b'c", "SELECT", "Größe", "a b", "'"}) {
    EXPECT_EQ(refused_path(rename_to(name)), "accepted") << name;
  }
}

TEST(MigrationCodec, TooManyOperationsAndTooMuchTextAreRefused) {
  Json many = Json::array();
  for (int i = 0; i < 101; ++i) {
    many.push_back({{"dropColumn", {{"table", "t"}, {"column", "c"}}}});
  }
  EXPECT_EQ(refused_path(with_spec("operations", many)), "spec.operations");
  Json large = Json::array();
  for (int i = 0; i < 30; ++i) {
    large.push_back(
        {{"dropColumn", {{"table", "t"}, {"column", "c"}, {"down", std::string(10'000, '1')}}}});
  }
  EXPECT_EQ(refused_path(with_spec("operations", large)), "spec.operations[26].dropColumn.down");
}

TEST(MigrationCodec, AnotherKindIsRefused) {
  Json object = minimal();
  object["kind"] = "Tenant";
  EXPECT_EQ(refused_path(object), "kind");
  object = minimal();
  object["apiVersion"] = "lockkeeper.dev/v2";
  EXPECT_EQ(refused_path(object), "apiVersion");
  object = minimal();
  object.erase("apiVersion");
  object.erase("kind");
  EXPECT_EQ(refused_path(object), "accepted");
}

TEST(MigrationCodec, TheUnknownFieldIsAnsweredWithTheKnownOnes) {
  const auto decoded = decode_migration(with_spec("databaseRef", {{"nam", "shop"}}));
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().path, "spec.databaseRef.name");
  const auto target = decode_migration(with_spec("target", {{"scheme", "shop"}}));
  ASSERT_FALSE(target.ok());
  EXPECT_EQ(target.error().path, "spec.target.scheme");
  EXPECT_NE(target.error().hint.find("schema"), std::string::npos);
}

}  // namespace
}  // namespace lockkeeper::crds
