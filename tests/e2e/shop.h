// A shop for stories told with kubectl and SQL alone: a namespace opened to the operator, a
// database of its own with a table of users, its Secret and Database, and an operator under its own
// ServiceAccount that watches this namespace. Failures throw.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/control_plane.h"
#include "tests/support/operator_process.h"
#include "tests/support/private_postgres.h"

namespace lockkeeper::e2e {

using Json = nlohmann::json;

inline constexpr auto password = "s3cr3t-of-the-shop";  // stands in its Secret and nowhere else

struct ShopOptions {
  int rows = 2'000;
  bool opened = true;         // the namespace, to the operator
  bool leader_elect = false;  // several operators take part
  std::string tables = {};    // SQL that makes them instead of the users
  std::string schema = "shop";
  support::PrivatePostgres* postgres = nullptr;  // a server of the story's own
  int secret_port = 0;                           // that the Secret names: of a proxy
  std::vector<std::string> arguments = {};       // more flags of the operator
  std::filesystem::path kubeconfig = {};         // of the operator, instead of its own
};

class Shop {
 public:
  explicit Shop(ShopOptions options = {});

  // Applies a Migration; more: further fields of its spec.
  void migrate(const std::string& name, const Json& operations, const Json& more = Json::object());
  void patch(const std::string& name, const Json& merge_patch);
  // Makes Secret NAME with a uri, Database NAME that connects with it.
  void apply_secret(const std::string& secret_password);
  void apply_secret(const std::string& name, const std::string& secret_uri) const;
  void apply_database(const std::string& name, const Json& more = Json::object()) const;
  [[nodiscard]] Json status(const std::string& object) const;  // "lkm/NAME", "lkdb/shop"
  // The condition's field ("status", "reason", "message"); "" when it is not set.
  [[nodiscard]] std::string condition(const std::string& object, const std::string& type,
                                      const std::string& field) const;
  // False when the time passed first; the last status is then printed.
  [[nodiscard]] bool reaches(const std::string& name, const std::string& phase,
                             std::chrono::seconds limit = std::chrono::seconds(90)) const;
  [[nodiscard]] bool says(const std::string& object, const std::string& type,
                          const std::string& reason,
                          std::chrono::seconds limit = std::chrono::seconds(60)) const;

  [[nodiscard]] std::string sql(const std::string& text) const;  // as the owner of the tables
  void execute(const std::string& text) const;
  [[nodiscard]] std::string schema() const;                             // of the shop's own tables
  [[nodiscard]] std::string schema_of(const std::string& table) const;  // of that schema
  // Columns, triggers, constraints and indexes that only we could have left; "" when none.
  [[nodiscard]] std::string left_behind() const;
  // Where the password can be read although it must not be; "" when nowhere.
  [[nodiscard]] std::string leak() const;

  std::unique_ptr<support::OperatorProcess> another_operator() const;
  [[nodiscard]] support::OperatorProcess& lockkeeper() { return *operator_; }
  [[nodiscard]] support::ControlPlane& plane() const { return plane_; }
  [[nodiscard]] support::PrivatePostgres& postgres() const { return postgres_; }
  [[nodiscard]] const std::string& ns() const { return namespace_; }
  [[nodiscard]] const std::string& role() const { return role_; }
  [[nodiscard]] const std::string& database() const { return database_; }
  [[nodiscard]] std::string uri() const;  // of the owner, over the socket
  // As a Secret has it: over TCP.
  [[nodiscard]] std::string secret_uri(const std::string& secret_password, int port = 0,
                                       const std::string& sslmode = "disable") const;

 private:
  support::ControlPlane& plane_;
  support::PrivatePostgres& postgres_;
  const ShopOptions options_;
  std::string namespace_;
  std::string role_;
  std::string database_;
  std::unique_ptr<support::OperatorProcess> operator_;
};

}  // namespace lockkeeper::e2e
