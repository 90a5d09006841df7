#include "tests/e2e/shop.h"

#include <fmt/format.h>

#include <atomic>
#include <iostream>

#include "tests/support/await.h"

namespace lockkeeper::e2e {
namespace {

std::string fresh_role() {
  static std::atomic<int> made{0};
  return "keeper_" + std::to_string(++made);
}

std::string users(int rows) {
  return fmt::format(
      "CREATE SCHEMA shop; CREATE TABLE shop.users (id bigint GENERATED ALWAYS AS IDENTITY "
      "PRIMARY KEY, name text NOT NULL, amount int NOT NULL DEFAULT 0); "
      "CREATE INDEX users_name ON shop.users (name); "
      "INSERT INTO shop.users (name, amount) SELECT 'u' || i, i FROM generate_series(1, {}) i",
      rows);
}

Json find_condition(const Json& status, const std::string& type) {
  for (const Json& condition : status.value("conditions", Json::array())) {
    if (condition.value("type", "") == type) return condition;
  }
  return Json::object();
}

}  // namespace

Shop::Shop(ShopOptions options)
    : plane_(support::ControlPlane::shared()),
      postgres_(options.postgres != nullptr ? *options.postgres
                                            : support::PrivatePostgres::shared()),
      options_(std::move(options)),
      role_(fresh_role()) {
  plane_.install();
  namespace_ = plane_.create_namespace(options_.opened);
  postgres_.execute("postgres", "CREATE ROLE " + role_ + " LOGIN PASSWORD '" + password + "'");
  database_ = postgres_.create_database(role_);
  execute(options_.tables.empty() ? users(options_.rows) : options_.tables);
  apply_secret(password);
  operator_ = another_operator();
  apply_database("shop", {{"defaultSchema", options_.schema}});
}

std::unique_ptr<support::OperatorProcess> Shop::another_operator() const {
  support::OperatorOptions how{
      .arguments = {"--namespaces", namespace_,
                    options_.leader_elect ? "--leader-elect=true" : "--leader-elect=false"},
      .kubeconfig = options_.kubeconfig};
  how.arguments.insert(how.arguments.end(), options_.arguments.begin(), options_.arguments.end());
  return std::make_unique<support::OperatorProcess>(plane_, how);
}

void Shop::apply_secret(const std::string& secret_password) {
  apply_secret("shop", secret_uri(secret_password, options_.secret_port));
}

void Shop::apply_secret(const std::string& name, const std::string& secret_uri) const {
  plane_.apply(Json{{"apiVersion", "v1"},
                    {"kind", "Secret"},
                    {"metadata", {{"name", name}, {"namespace", namespace_}}},
                    {"stringData", {{"uri", secret_uri}}}}
                   .dump());
}

void Shop::apply_database(const std::string& name, const Json& more) const {
  Json spec{{"connection", {{"secretRef", {{"name", name}}}}}};
  spec.merge_patch(more);
  plane_.apply(Json{
      {"apiVersion", "lockkeeper.dev/v1alpha1"},
      {"kind", "Database"},
      {"metadata", {{"name", name}, {"namespace", namespace_}}},
      {"spec",
       spec}}.dump());
}

std::string Shop::secret_uri(const std::string& secret_password, int port,
                             const std::string& sslmode) const {
  return fmt::format("postgresql://{}:{}@127.0.0.1:{}/{}?sslmode={}", role_, secret_password,
                     port != 0 ? port : postgres_.port(), database_, sslmode);
}

void Shop::migrate(const std::string& name, const Json& operations, const Json& more) {
  Json spec{{"databaseRef", {{"name", "shop"}}}, {"operations", operations}};
  spec.update(more);
  plane_.apply(Json{
      {"apiVersion", "lockkeeper.dev/v1alpha1"},
      {"kind", "Migration"},
      {"metadata", {{"name", name}, {"namespace", namespace_}}},
      {"spec",
       spec}}.dump());
}

void Shop::patch(const std::string& name, const Json& merge_patch) {
  plane_.kubectl(
      {"-n", namespace_, "patch", "lkm", name, "--type=merge", "-p", merge_patch.dump()});
}

Json Shop::status(const std::string& object) const {
  const auto slash = object.find('/');
  const auto* const kind = object.starts_with("lkm") ? "migrations" : "databases";
  const auto text = plane_.read(fmt::format("apis/lockkeeper.dev/v1alpha1/namespaces/{}/{}/{}",
                                            namespace_, kind, object.substr(slash + 1)));
  return text.empty() ? Json::object() : Json::parse(text).value("status", Json::object());
}

std::string Shop::condition(const std::string& object, const std::string& type,
                            const std::string& field) const {
  return find_condition(status(object), type).value(field, "");
}

bool Shop::reaches(const std::string& name, const std::string& phase,
                   std::chrono::seconds limit) const {
  Json last;
  const bool reached = support::await(
      [&] {
        last = status("lkm/" + name);
        return last.value("phase", "") == phase;
      },
      limit);
  if (!reached) std::cerr << name << " did not reach " << phase << ": " << last.dump(1) << '\n';
  return reached;
}

bool Shop::says(const std::string& object, const std::string& type, const std::string& reason,
                std::chrono::seconds limit) const {
  Json last;
  const bool said = support::await(
      [&] {
        last = status(object);
        return find_condition(last, type).value("reason", "") == reason;
      },
      limit);
  if (!said) std::cerr << object << " did not say " << reason << ": " << last.dump(1) << '\n';
  return said;
}

std::string Shop::sql(const std::string& text) const {
  return postgres_.sql(database_, text, role_);
}

void Shop::execute(const std::string& text) const {
  postgres_.execute(database_, text, role_);
}

std::string Shop::schema() const {
  return postgres_.dump_schema(database_, {"--no-owner", "--schema", "shop"});
}

std::string Shop::schema_of(const std::string& table) const {
  return postgres_.dump_schema(database_, {"--table", "shop." + table});
}

std::string Shop::left_behind() const {
  return sql(R"(SELECT 'column ' || attname FROM pg_attribute
       WHERE attrelid = 'shop.users'::regclass AND NOT attisdropped AND attname LIKE '\_lk%'
     UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger
       WHERE tgrelid = 'shop.users'::regclass AND NOT tgisinternal
     UNION ALL SELECT 'constraint ' || conname FROM pg_constraint
       WHERE conrelid = 'shop.users'::regclass AND contype = 'c'
     UNION ALL SELECT 'index ' || c.relname FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
       WHERE indrelid = 'shop.users'::regclass AND (NOT indisvalid OR relname LIKE '%lk\_%'))");
}

std::string Shop::leak() const {
  std::string places;
  const auto look = [&](const std::string& where, const std::string& text) {
    if (text.find(password) != std::string::npos) places += where + " ";
  };
  look("log", operator_->log());
  look("objects", plane_.kubectl({"-n", namespace_, "get",
                                  "lkdb,lkm,configmaps,events.events.k8s.io", "-o", "json"}));
  look("processes", support::run_checked({"ps", "-eo", "args"}));
  return places;
}

std::string Shop::uri() const {
  return postgres_.socket_uri(role_, database_);
}

}  // namespace lockkeeper::e2e
