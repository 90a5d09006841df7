#include <fstream>

#include "tests/reconciler/fake_world.h"

namespace lockkeeper::reconcile::testing {
namespace {

// A Database shop whose server answers as the test says.
class DatabaseLab {
 public:
  DatabaseLab() {
    crds::Database database;
    database.metadata.ns = "shop";
    database.metadata.name = "shop";
    database.metadata.uid = "db-1";
    database.metadata.resource_version = "1";
    database.metadata.generation = 1;
    database.metadata.finalizers = {std::string(crds::finalizer)};
    database.spec.connection.secret_ref.name = "shop-db";
    cluster.databases[key] = database;
    secret({{"uri", "postgresql://op:s3cr3t@db:5432/shop"}});
    facts.server.version_num = 150020;
    facts.server.user = "op";
    facts.server.database = "shop";
    facts.server.sees_all_activity = true;
    facts.server.max_connections = 200;
  }

  void secret(const std::map<std::string, std::string>& values) {
    cluster.at(Kind::secret, "shop-db") = {{"stringData", values}};
  }
  World world() {
    World w{base::Context(std::stop_token(), clock, base::Logger()),
            cluster,
            pools,
            runner,
            http,
            folder};
    w.probe_server = [this](const base::Context&, sql::Pool&) -> base::Result<ServerFacts> {
      if (probe_error) return *probe_error;
      return facts;
    };
    w.install_ledger = [this](const base::Context&, sql::Pool&) -> base::Result<void> {
      if (ledger_error) return *ledger_error;
      return base::ok();
    };
    return w;
  }
  Outcome reconcile() {
    auto outcome = reconciler.reconcile(world(), key);
    EXPECT_TRUE(outcome.ok());
    cluster.carry_out(key, *outcome);
    if (outcome->status != nullptr && cluster.databases.contains(key)) {
      db().status = crds::read_lenient<crds::DatabaseStatus>(*outcome->status, "status").value();
    }
    return *outcome;
  }
  crds::Database& db() { return cluster.databases.at(key); }
  std::string reason() {
    const auto* ready = db().status.conditions.find(ConditionType::ready);
    return ready == nullptr ? "" : ready->reason;
  }
  std::string message() { return db().status.conditions.find(ConditionType::ready)->message; }
  bool ready() { return db().status.conditions.is_true(ConditionType::ready); }

  const Key key{"shop", "shop"};
  support::FakeClock clock;
  FakeCluster cluster;
  Pools pools;
  FakeRunner runner;
  FakeHttp http;
  DatabaseReconciler reconciler;
  std::filesystem::path folder;
  ServerFacts facts;
  std::optional<base::Error> probe_error, ledger_error;
};

TEST(Database, is_ready_and_says_version_and_numbers) {
  DatabaseLab lab;
  lab.db().spec.sizing = crds::SizingSpec{4};
  lab.reconcile();
  const Outcome outcome = lab.reconcile();
  EXPECT_TRUE(lab.ready());
  EXPECT_EQ(lab.db().status.server_version, "15.20");
  EXPECT_EQ(lab.db().status.pool->recommended_max, 40);
  EXPECT_EQ(lab.pools.find(lab.key)->options().max, 40);
  EXPECT_EQ(lab.db().status.observed_generation, 1);
  EXPECT_GE(*outcome.requeue_after, 10s);
  EXPECT_EQ(lab.reconcile().status, nullptr) << "no news, no write";
}

TEST(Database, the_finalizer_comes_first) {
  DatabaseLab lab;
  lab.db().metadata.finalizers.clear();
  const Outcome outcome = lab.reconcile();
  EXPECT_EQ(outcome.status, nullptr);
  EXPECT_TRUE(lab.db().metadata.has_finalizer(crds::finalizer));
}

TEST(Database, a_uri_wins_over_parts_and_the_password_stands_apart) {
  DatabaseLab lab;
  lab.secret({{"uri", "postgresql://op:s3cr3t@db:5433/shop?sslmode=require"}, {"host", "other"}});
  lab.db().spec.connection.tls.mode = crds::TlsMode::disable;
  lab.reconcile();
  const auto endpoint = lab.pools.find(lab.key)->endpoint();
  EXPECT_EQ(endpoint.parameters.at("host"), "db");
  EXPECT_EQ(endpoint.parameters.at("port"), "5433");
  EXPECT_EQ(endpoint.parameters.at("sslmode"), "disable");
  EXPECT_EQ(endpoint.password, "s3cr3t");
}

TEST(Database, parts_as_cloudnativepg_writes_them_do_as_well) {
  DatabaseLab lab;
  lab.secret({{"host", "db"},
              {"port", "5432"},
              {"username", "op"},
              {"password", "x"},
              {"dbname", "shop"},
              {"jdbc-uri", "jdbc:..."},
              {"pgpass", "..."}});
  lab.reconcile();
  EXPECT_TRUE(lab.ready());
  EXPECT_EQ(lab.pools.find(lab.key)->endpoint().parameters.at("user"), "op");
}

TEST(Database, keys_that_name_files_of_ours_are_refused_without_repeating_the_uri) {
  for (const char* key : {"passfile", "service", "sslkey", "options"}) {
    DatabaseLab lab;
    lab.secret({{"uri", std::string("postgresql://op:s3cr3t@db/shop?") + key + "=/etc/x"}});
    lab.reconcile();
    EXPECT_EQ(lab.reason(), "InvalidConnection") << key;
    EXPECT_EQ(lab.message().find("s3cr3t"), std::string::npos);
    EXPECT_NE(lab.message().find(key), std::string::npos);
  }
}

TEST(Database, a_uri_that_does_not_parse_is_never_quoted) {
  DatabaseLab lab;
  lab.secret({{"uri", "postgresql://op:s3cr3t@[db/shop"}});
  lab.reconcile();
  EXPECT_EQ(lab.reason(), "InvalidConnection");
  EXPECT_EQ(lab.message().find("s3cr3t"), std::string::npos) << lab.message();
}

struct Case {
  const char* name;
  std::function<void(DatabaseLab&)> break_it;
  const char* reason;
};

base::Error with(base::Error error, const char* reason) {
  return std::move(error).with_reason(reason);
}

TEST(Database, each_way_to_fail_has_a_reason_of_its_own_and_heals) {
  const std::vector<Case> cases = {
      {"no Secret",
       [](auto& lab) {
         lab.cluster.objects.erase({Kind::secret, {"shop", "shop-db"}});
       },
       "SecretNotFound"},
      {"namespace not opened", [](auto& lab) { lab.cluster.forbidden = true; },
       "NamespaceNotOpened"},
      {"wrong password",
       [](auto& lab) {
         lab.probe_error = with(base::precondition("password"), "AuthenticationFailed");
       },
       "AuthenticationFailed"},
      {"server down",
       [](auto& lab) { lab.probe_error = with(base::unavailable("refused"), "ServerUnavailable"); },
       "ServerUnavailable"},
      {"TLS", [](auto& lab) { lab.probe_error = with(base::precondition("SSL"), "TLSFailed"); },
       "TlsFailed"},
      {"pooler",
       [](auto& lab) { lab.probe_error = with(base::precondition("pooler"), "PoolerInBetween"); },
       "PoolerInBetween"},
      {"role", [](auto& lab) { lab.probe_error = with(base::precondition("r"), "RoleForbidden"); },
       "RoleForbidden"},
      {"ledger",
       [](auto& lab) { lab.ledger_error = with(base::precondition("l"), "LedgerForbidden"); },
       "LedgerForbidden"},
      {"superuser", [](auto& lab) { lab.facts.server.superuser = true; }, "SuperuserRefused"},
      {"old", [](auto& lab) { lab.facts.server.version_num = 120010; }, "ServerTooOld"},
      {"standby", [](auto& lab) { lab.facts.server.in_recovery = true; }, "Standby"},
  };
  for (const Case& one : cases) {
    DatabaseLab lab;
    one.break_it(lab);
    const Outcome outcome = lab.reconcile();
    EXPECT_EQ(lab.reason(), one.reason) << one.name;
    EXPECT_TRUE(lab.db().status.conditions.is_false(ConditionType::ready)) << one.name;
    EXPECT_LE(*outcome.requeue_after, 10s) << one.name;
    EXPECT_FALSE(lab.pools.facts(lab.key)) << one.name;
    DatabaseLab healthy;
    lab.cluster.objects = healthy.cluster.objects;
    lab.cluster.forbidden = false;
    lab.probe_error.reset();
    lab.ledger_error.reset();
    lab.facts = healthy.facts;
    lab.reconcile();
    EXPECT_TRUE(lab.ready()) << one.name;
  }
}

TEST(Database, a_superuser_is_taken_when_it_is_allowed) {
  DatabaseLab lab;
  lab.facts.server.superuser = true;
  lab.db().spec.allow_superuser = true;
  lab.reconcile();
  EXPECT_TRUE(lab.ready());
}

TEST(Database, limited_visibility_is_ready_and_names_the_grant) {
  DatabaseLab lab;
  lab.facts.server.sees_all_activity = false;
  lab.reconcile();
  EXPECT_TRUE(lab.ready());
  EXPECT_EQ(lab.reason(), "LimitedVisibility");
  EXPECT_NE(lab.message().find("GRANT pg_monitor TO \"op\""), std::string::npos);
}

TEST(Database, a_lost_server_does_not_take_the_pool_from_running_steps) {
  DatabaseLab lab;
  lab.reconcile();
  const auto pool = lab.pools.find(lab.key);
  lab.probe_error = base::unavailable("restarting").with_reason("ServerUnavailable");
  lab.reconcile();
  EXPECT_FALSE(lab.ready());
  EXPECT_EQ(lab.pools.find(lab.key), pool);
  EXPECT_TRUE(lab.pools.facts(lab.key));
}

TEST(Database, a_new_password_reaches_the_same_pool) {
  DatabaseLab lab;
  lab.reconcile();
  const auto pool = lab.pools.find(lab.key);
  lab.secret({{"uri", "postgresql://op:n3w@db:5432/shop"}});
  lab.reconcile();
  EXPECT_EQ(lab.pools.find(lab.key), pool);
  EXPECT_EQ(pool->endpoint().password, "n3w");
}

TEST(Database, the_ca_of_a_secret_is_a_private_file) {
  DatabaseLab lab;
  lab.folder = ::testing::TempDir();
  lab.cluster.at(Kind::secret, "shop-ca") = {{"data", {{"ca.crt", "UEVN"}}}};
  lab.db().spec.connection.tls.mode = crds::TlsMode::verify_full;
  lab.db().spec.connection.tls.ca_secret_ref = crds::SecretKeyReference{"shop-ca", "ca.crt"};
  lab.reconcile();
  const auto endpoint = lab.pools.find(lab.key)->endpoint();
  const std::filesystem::path path = endpoint.parameters.at("sslrootcert");
  EXPECT_EQ(endpoint.parameters.at("sslmode"), "verify-full");
  std::ifstream file(path);
  std::string pem;
  file >> pem;
  EXPECT_EQ(pem, "PEM");
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::remove(path);
}

TEST(Database, suspend_is_said) {
  DatabaseLab lab;
  lab.db().spec.suspend = true;
  lab.reconcile();
  EXPECT_EQ(lab.reason(), "Suspended");
  EXPECT_TRUE(lab.pools.facts(lab.key)) << "a failing check may still switch back";
}

TEST(Database, deletion_waits_for_migrations_that_are_not_terminal) {
  DatabaseLab lab;
  lab.reconcile();
  Lab other;
  lab.cluster.migrations_ = other.cluster.migrations_;
  lab.db().metadata.deletion_timestamp = std::chrono::sys_seconds{};
  lab.reconcile();
  EXPECT_TRUE(lab.db().metadata.has_finalizer(crds::finalizer));
  EXPECT_EQ(lab.db().status.conditions.find(ConditionType::reconciling)->reason, "InUse");
  EXPECT_NE(lab.db().status.conditions.find(ConditionType::reconciling)->message.find("users-v2"),
            std::string::npos);
  EXPECT_TRUE(lab.pools.find(lab.key));
  lab.cluster.migrations_.begin()->second.status.conditions.set(
      ConditionType::contracted, crds::ConditionStatus::is_true, crds::Reason::contracted, "", 1,
      {});
  lab.reconcile();
  EXPECT_FALSE(lab.db().metadata.has_finalizer(crds::finalizer));
  EXPECT_EQ(lab.pools.find(lab.key), nullptr);
}

TEST(Database, what_does_not_decode_is_stalled_with_its_path) {
  DatabaseLab lab;
  lab.reconcile();
  const Json read = crds::encode(lab.db());
  lab.cluster.at(Kind::database, "shop") = read;
  struct Undecodable : FakeCluster {
    base::Result<std::shared_ptr<const crds::Database>> database(const Key&) override {
      return base::invalid("unknown field").with_path("spec.pool.maxx");
    }
  };
  Undecodable cluster;
  cluster.objects = lab.cluster.objects;
  World world{base::Context(), cluster, lab.pools, lab.runner, lab.http, {}};
  const auto outcome = lab.reconciler.reconcile(world, lab.key);
  ASSERT_TRUE(outcome.ok());
  ASSERT_NE(outcome->status, nullptr);
  const auto status = crds::read_lenient<crds::DatabaseStatus>(*outcome->status, "status").value();
  EXPECT_TRUE(status.conditions.is_true(ConditionType::stalled));
  EXPECT_NE(status.conditions.find(ConditionType::stalled)->message.find("spec.pool.maxx"),
            std::string::npos);
}

}  // namespace
}  // namespace lockkeeper::reconcile::testing
