#include "operator/cli/documents.h"

#include <gtest/gtest.h>

namespace lockkeeper::cli {
namespace {

constexpr std::string_view migration = R"(apiVersion: lockkeeper.dev/v1alpha1
kind: Migration
metadata: {name: a}
spec:
  databaseRef: {name: shop}
  operations: [{dropColumn: {table: t, column: c}}]
)";

std::string problem(const std::string& text) {
  const auto documents = parse_documents(text, "m.yaml");
  return documents.ok() ? "accepted" : documents.error().text();
}

TEST(Documents, MigrationsAreTakenAndOthersNamed) {
  const auto documents = parse_documents(
      "kind: Database\nmetadata: {name: shop}\n---\n" + std::string(migration), "m.yaml");
  ASSERT_TRUE(documents.ok()) << documents.error().text();
  ASSERT_EQ(documents->migrations.size(), 1U);
  EXPECT_EQ(documents->migrations[0].metadata.ns, "default");
  EXPECT_EQ(documents->ignored, (std::vector<std::string>{"Database shop"}));
}

TEST(Documents, AListIsItsItems) {
  const std::string list = R"({"kind": "List", "apiVersion": "v1", "items": [
      {"apiVersion": "lockkeeper.dev/v1alpha1", "kind": "Migration",
       "metadata": {"name": "a", "namespace": "shop"},
       "spec": {"databaseRef": {"name": "shop"}, "operations": [{"sql": {"expand": ["SELECT 1"]}}]}}
      ]})";
  const auto documents = parse_documents(list, "m.json");
  ASSERT_TRUE(documents.ok()) << documents.error().text();
  EXPECT_EQ(documents->migrations.at(0).metadata.ns, "shop");
}

TEST(Documents, AMistakeIsToldWithFileLineAndPath) {
  const std::string wrong = "# first\n---\n" + std::string(migration) + "  rolback: true\n";
  EXPECT_NE(problem(wrong).find("m.yaml, document at line 2: spec.rolback: unknown field"),
            std::string::npos)
      << problem(wrong);
  EXPECT_NE(problem("a: 1\na: 2\n").find("m.yaml: line 2"), std::string::npos);
}

TEST(Documents, NothingToDoIsAMistake) {
  EXPECT_NE(problem("").find("there is no Migration in it"), std::string::npos);
  EXPECT_NE(problem("kind: Secret\n").find("there is no Migration in it"), std::string::npos);
  EXPECT_NE(problem("- 1\n").find("not an object"), std::string::npos);
  EXPECT_NE(problem(std::string(migration) + "---\n" + std::string(migration)).find("twice"),
            std::string::npos);
  EXPECT_FALSE(read_documents("/does/not/exist.yaml").ok());
}

}  // namespace
}  // namespace lockkeeper::cli
