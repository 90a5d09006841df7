// What a real API server makes of the CRDs: bad objects, samples, and who may approve.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "crds/migration.h"
#include "tests/crds/bad_objects.h"
#include "tests/support/control_plane.h"
#include "tests/support/paths.h"

namespace lockkeeper::crds {
namespace {

using support::ControlPlane;

std::string object(const std::string& kind, const std::string& name, const std::string& spec) {
  const Json json = {{"apiVersion", std::string(api_version)},
                     {"kind", kind},
                     {"metadata", {{"name", name}}},
                     {"spec", parse_json(spec).value()}};
  return json.dump();
}

// kubectl's words: those of the server's schema, and those of its strict decoder.
bool names_path(const std::string& output, const std::string& path) {
  return output.find(path) != std::string::npos;
}

std::string good_spec() {
  return tests::with_operation(R"({"renameColumn": {"table": "t", "from": "a", "to": "b"}})");
}

class CrdOnServer : public testing::Test {
 protected:
  void SetUp() override {
    plane_.install();
    ns_ = plane_.create_namespace();
  }

  support::ProcessResult create(const std::string& document, const std::string& user = "") {
    std::vector<std::string> arguments = {"-n", ns_, "create", "-f", "-"};
    if (!user.empty()) arguments.push_back("--as=" + user);
    return plane_.try_kubectl(arguments, document);
  }

  support::ProcessResult patch(const std::string& name, const std::string& merge,
                               const std::string& user = "", const std::string& more = "") {
    std::vector<std::string> arguments = {"-n",           ns_,  "patch", "lkm", name,
                                          "--type=merge", "-p", merge};
    if (!user.empty()) arguments.push_back("--as=" + user);
    if (!more.empty()) arguments.push_back(more);
    return plane_.try_kubectl(arguments);
  }

  ControlPlane& plane_ = ControlPlane::shared();
  std::string ns_;
};

TEST_F(CrdOnServer, BadObjectsAreRefusedWithThePath) {
  for (const tests::BadObject& bad : tests::bad_objects()) {
    const auto result = create(object(bad.kind, "bad", bad.spec));
    EXPECT_NE(result.exit_code, 0) << bad.about;
    EXPECT_TRUE(names_path(result.output, bad.path)) << bad.about << ": " << result.output;
  }
}

TEST_F(CrdOnServer, DefaultsOfTheServerAreThoseOfTheTypes) {
  ASSERT_EQ(create(object("Migration", "good", good_spec())).exit_code, 0);
  const auto stored = parse_json(plane_.kubectl({"-n", ns_, "get", "lkm", "good", "-o", "json"}));
  ASSERT_TRUE(stored.ok());
  const auto with_defaults = decode_migration(*stored);
  ASSERT_TRUE(with_defaults.ok()) << with_defaults.error().text();
  const auto without =
      decode_migration(parse_json(object("Migration", "good", good_spec())).value());
  ASSERT_TRUE(without.ok()) << without.error().text();
  EXPECT_EQ(with_defaults->spec, without->spec);
  EXPECT_EQ(with_defaults->status.observed_generation, -1);
  EXPECT_EQ((*stored)["status"]["observedGeneration"], -1);
}

TEST_F(CrdOnServer, AStatusInFullIsTakenAndReadsAsItWasWritten) {
  ASSERT_EQ(create(object("Migration", "full", good_spec())).exit_code, 0);
  const auto at = std::chrono::sys_seconds(std::chrono::seconds(1'795'348'800));
  auto migration =
      decode_migration(
          parse_json(plane_.kubectl({"-n", ns_, "get", "lkm", "full", "-o", "json"})).value())
          .value();
  MigrationStatus& status = migration.status;
  status.observed_generation = 1;
  status.phase = Phase::awaiting_contract;
  status.message = std::string(40'000, 'm');
  status.plan = PlanStatus{std::string(64, 'a'), "f", "full-plan", {{"L028", "contract-1", "m"}}};
  status.approval = ApprovalStatus{std::string(64, 'a'), at};
  status.until = Until::contract;
  status.steps = StepsStatus{3, 7, "3/7", "backfill-t"};
  status.progress = "41%";
  status.backfill = BackfillStatus{41, 100, 41, 5, at};
  status.switch_status = SwitchStatus{Colour::green, at, at, at, 2, "1"};
  status.contract_after = at;
  status.blockers.resize(7, {4711, "report", "nightly", "93s"});
  status.started_at = at;
  status.completed_at = at;
  status.conditions.set(ConditionType::ready, ConditionStatus::is_false, Reason::awaiting_contract,
                        "m", 1, at);
  const auto applied =
      plane_.try_kubectl({"-n", ns_, "apply", "--server-side", "--subresource=status",
                          "--field-manager=lockkeeper", "--force-conflicts", "-f", "-"},
                         status_patch(migration).dump());
  ASSERT_EQ(applied.exit_code, 0) << applied.output;
  const auto again = decode_migration(
      parse_json(plane_.kubectl({"-n", ns_, "get", "lkm", "full", "-o", "json"})).value());
  ASSERT_TRUE(again.ok()) << again.error().text();
  EXPECT_EQ(again->status.message.size(), 32'768U);
  EXPECT_EQ(again->status.blockers.size(), 5U);
  EXPECT_EQ(again->status.switch_status, status.switch_status);
  EXPECT_EQ(again->status.conditions, status.conditions);
  const std::string table = plane_.kubectl({"-n", ns_, "get", "lkm", "full"});
  for (const char* column : {"PHASE", "STEP", "PROGRESS", "SWITCH", "READY", "AGE",
                             "AwaitingContract", "3/7", "41%", "green", "False"}) {
    EXPECT_NE(table.find(column), std::string::npos) << column << " in " << table;
  }
}

TEST_F(CrdOnServer, WhatIsImmutableIsFrozenOnceThePlanRuns) {
  ASSERT_EQ(create(object("Migration", "frozen", good_spec())).exit_code, 0);
  EXPECT_EQ(patch("frozen", R"({"spec": {"target": {"schema": "x"}}})").exit_code, 0);
  ASSERT_EQ(patch("frozen", R"({"status": {"startedAt": "2026-11-22T12:00:00Z"}})", "",
                  "--subresource=status")
                .exit_code,
            0);
  const std::vector<std::pair<std::string, std::string>> edits = {
      {"spec.databaseRef", R"({"spec": {"databaseRef": {"name": "other"}}})"},
      {"spec.target", R"({"spec": {"target": {"schema": "y"}}})"},
      {"spec.target", R"({"spec": {"target": null}})"},
      {"spec.operations", R"({"spec": {"operations": [{"sql": {"expand": ["SELECT 1"]}}]}})"}};
  for (const auto& [path, edit] : edits) {
    const auto result = patch("frozen", edit);
    EXPECT_NE(result.exit_code, 0) << edit;
    EXPECT_TRUE(names_path(result.output, path)) << result.output;
    EXPECT_TRUE(names_path(result.output, "immutable")) << result.output;
  }
  EXPECT_EQ(patch("frozen", R"({"spec": {"until": "Contract", "suspend": true}})").exit_code, 0);
}

TEST_F(CrdOnServer, OnlyWhoMayUpdateApprovalsApproves) {
  const auto bind = [&](const std::string& role, const std::string& user) {
    plane_.kubectl({"-n", ns_, "create", "rolebinding", user + "-" + role, "--clusterrole=" + role,
                    "--user=" + user});
  };
  bind("lockkeeper-edit", "dev");
  bind("lockkeeper-edit", "dba");
  bind("lockkeeper-approver", "dba");
  const std::string hash(64, 'a');
  const std::string approval = R"("approval": {"planHash": ")" + hash + R"("})";
  ASSERT_EQ(create(object("Migration", "m", good_spec()), "dev").exit_code, 0);
  for (const std::string& field : {approval, std::string(R"("safety": {"approval": "Never"})"),
                                   std::string(R"("safety": {"allow": ["L028"]})")}) {
    const std::string edit = R"({"spec": {)" + field + "}}";
    const auto refused = patch("m", edit, "dev");
    EXPECT_NE(refused.exit_code, 0) << field;
    EXPECT_TRUE(names_path(refused.output, "migrations/approval")) << refused.output;
    EXPECT_EQ(patch("m", edit, "dba").exit_code, 0) << field;
  }
  EXPECT_EQ(patch("m", R"({"spec": {"suspend": true}})", "dev").exit_code, 0);
  const std::string born_approved = object("Migration", "n", tests::with_field(approval));
  EXPECT_NE(create(born_approved, "dev").exit_code, 0);
  EXPECT_EQ(create(born_approved, "dba").exit_code, 0);
}

TEST_F(CrdOnServer, TheSamplesApplyAsTheyAre) {
  const auto result =
      plane_.try_kubectl({"apply", "--server-side", "--dry-run=server", "-f",
                          (support::source_dir() / "manifests/samples/namespace.yaml").string()});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const auto applied = plane_.try_kubectl(
      {"apply", "--server-side", "-k", (support::source_dir() / "manifests/samples").string()});
  EXPECT_EQ(applied.exit_code, 0) << applied.output;
  plane_.kubectl({"delete", "namespace", "shop", "--wait=false"});
}

TEST_F(CrdOnServer, MigrationsAreFoundByTheirDatabase) {
  ASSERT_EQ(create(object("Migration", "found", good_spec())).exit_code, 0);
  const auto select = [&](const std::string& database) {
    return plane_.kubectl({"-n", ns_, "get", "lkm", "-o", "name",
                           "--field-selector=spec.databaseRef.name=" + database});
  };
  EXPECT_NE(select("shop").find("found"), std::string::npos);
  EXPECT_EQ(select("other").find("found"), std::string::npos);
}

}  // namespace
}  // namespace lockkeeper::crds
