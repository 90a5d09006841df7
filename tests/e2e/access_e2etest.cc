// What keeps us from a database is on its object, each obstacle with a reason and a cure of its
// own, and once it is gone work goes on without anybody asking for it.
#include <gmock/gmock.h>

#include <functional>

#include "tests/e2e/shop.h"
#include "tests/support/await.h"
#include "tests/support/fault_proxy.h"
#include "tests/support/pg_bouncer.h"

namespace lockkeeper::e2e {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

struct Obstacle {
  std::string database;  // the object's name
  std::string reason;
  std::string says;  // what the message names: the object, or the cure
  std::function<void()> cure;
};

void expect_told_then_cured(const Shop& shop, const std::vector<Obstacle>& obstacles) {
  for (const Obstacle& obstacle : obstacles) {
    const std::string object = "lkdb/" + obstacle.database;
    EXPECT_TRUE(shop.says(object, "Ready", obstacle.reason)) << obstacle.database;
    EXPECT_EQ(shop.condition(object, "Ready", "status"), "False") << obstacle.database;
    EXPECT_THAT(shop.condition(object, "Ready", "message"), HasSubstr(obstacle.says));
    EXPECT_EQ(shop.condition(object, "Reconciling", "status"), "True") << obstacle.database;
    EXPECT_EQ(shop.condition(object, "Stalled", "status"), "False") << obstacle.database;
  }
  for (const Obstacle& obstacle : obstacles) obstacle.cure();
  for (const Obstacle& obstacle : obstacles) {
    EXPECT_TRUE(shop.says("lkdb/" + obstacle.database, "Ready", "LimitedVisibility", seconds(90)))
        << obstacle.database;
  }
}

TEST(AccessStory, EachObstacleHasItsOwnReasonAndGoesByItself) {
  Shop shop;
  support::FaultProxy proxy(shop.postgres().port());
  proxy.refuse();
  ASSERT_TRUE(shop.says("lkdb/shop", "Ready", "LimitedVisibility"));
  shop.apply_secret("not-the-" + std::string(password));  // rotated, and wrongly
  const auto good = shop.secret_uri(password);
  const auto of_another = [&](const std::string& role) {
    shop.postgres().create_role(role);
    return shop.postgres().uri(role, shop.database());
  };
  const std::string poor = shop.role() + "_poor";
  shop.apply_secret("down", shop.secret_uri(password, proxy.port()));
  shop.apply_secret("plain", shop.secret_uri(password, 0, "require"));
  shop.apply_secret("unread", "postgresql://somebody:" + std::string(password) + "@[/shop");
  shop.apply_secret("ledger", of_another(poor));
  shop.apply_secret("super", shop.postgres().uri("postgres", shop.database()));
  shop.apply_secret("nowhere", shop.postgres().uri(poor, "no_such_database"));
  for (const auto* name : {"missing", "down", "plain", "unread", "super", "nowhere"}) {
    shop.apply_database(name);
  }
  // The ledger is there already: it is another role that may not use it.
  shop.apply_database("ledger");
  const auto cure = [&](const std::string& name) {
    return [&shop, name, good] { shop.apply_secret(name, good); };
  };
  expect_told_then_cured(
      shop, {{"shop", "AuthenticationFailed", "check user and password in the Secret",
              [&] { shop.apply_secret(password); }},
             {"missing", "SecretNotFound", "there is no Secret missing", cure("missing")},
             {"down", "ServerUnavailable", "server", [&] { proxy.resume(); }},
             {"plain", "TlsFailed", "tls.mode", cure("plain")},
             {"unread", "InvalidConnection", "percent-encoded", cure("unread")},
             {"super", "SuperuserRefused", "spec.allowSuperuser", cure("super")},
             {"nowhere", "InvalidConnection", "no_such_database", cure("nowhere")},
             {"ledger", "LedgerForbidden", "lockkeeper", cure("ledger")}});
  EXPECT_EQ(shop.leak(), "");
}

// The lines that the message gives are those that help.
TEST(AccessStory, WhoMayNotMakeTheLedgerIsGivenTheLinesThatLetThem) {
  Shop shop;
  const std::string poor = shop.role() + "_poor";
  shop.postgres().create_role(poor);
  const auto other = shop.postgres().create_database();
  shop.apply_secret("poor", shop.postgres().uri(poor, other));
  shop.apply_database("poor");
  ASSERT_TRUE(shop.says("lkdb/poor", "Ready", "LedgerForbidden"));
  const auto message = shop.condition("lkdb/poor", "Ready", "message");
  const auto begin = message.find("CREATE SCHEMA lockkeeper");
  ASSERT_NE(begin, std::string::npos) << message;
  shop.postgres().execute(other, message.substr(begin, message.find(';', begin) - begin));
  EXPECT_TRUE(shop.says("lkdb/poor", "Ready", "LimitedVisibility"));
}

std::string certificate_of_a_stranger() {
  return support::run_checked(
      {"bash", "-c",
       "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7 -keyout "
       "/dev/null -subj '/CN=a stranger' 2>/dev/null"});
}

TEST(AccessStory, AServerThatItsAuthorityDoesNotVouchForIsNotTalkedTo) {
  support::PrivatePostgres tls({.ssl = true});
  Shop shop({.postgres = &tls});
  const auto authority = [&](const std::string& pem) {
    shop.plane().apply(Json{{"apiVersion", "v1"},
                            {"kind", "Secret"},
                            {"metadata", {{"name", "authority"}, {"namespace", shop.ns()}}},
                            {"stringData", {{"ca.crt", pem}}}}
                           .dump());
  };
  authority(certificate_of_a_stranger());
  shop.apply_secret("tls", shop.secret_uri(password, 0, "require"));
  shop.apply_database("tls", {{"connection",
                               {{"tls",
                                 {{"mode", "verify-full"},
                                  {"caSecretRef", {{"name", "authority"}, {"key", "ca.crt"}}}}}}}});
  expect_told_then_cured(shop, {{"tls", "TlsFailed", "compare tls.mode and the CA",
                                 [&] { authority(support::read_file(tls.ca_certificate())); }}});
}

TEST(AccessStory, APoolerInTransactionModeIsToldFromTheServer) {
  if (!support::PgBouncer::installed()) GTEST_SKIP() << "pgbouncer is not installed";
  Shop shop;
  const support::PgBouncer bouncer(shop.postgres(), shop.database(), shop.role(), "transaction", 5);
  shop.apply_secret("pooled", shop.secret_uri(password, bouncer.port()));
  shop.apply_database("pooled");
  expect_told_then_cured(shop, {{"pooled", "PoolerInBetween", "connect to PostgreSQL itself",
                                 [&] { shop.apply_secret("pooled", shop.secret_uri(password)); }}});
}

// What the owner cannot see, it cannot fill: "done" would be a lie.
TEST(AccessStory, ForcedRowSecurityIsToldBeforeAnyDdlAndGoesWithItsCure) {
  Shop shop;
  shop.execute("ALTER TABLE shop.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY");
  const auto before = shop.schema();
  shop.migrate("plan", Json::parse(R"([{"addColumn": {"table": "users", "up": "'free'",
      "column": {"name": "plan", "type": "text", "nullable": false}}}])"));
  ASSERT_TRUE(shop.says("lkm/plan", "Ready", "ForcedRowSecurity"));
  EXPECT_EQ(shop.condition("lkm/plan", "Ready", "status"), "False");
  const auto message = shop.condition("lkm/plan", "Ready", "message");
  EXPECT_THAT(message, HasSubstr("shop.users"));
  EXPECT_THAT(message, HasSubstr("hint: "));
  EXPECT_EQ(shop.schema(), before);
  shop.execute("ALTER TABLE shop.users NO FORCE ROW LEVEL SECURITY");
  EXPECT_TRUE(shop.reaches("plan", "ReadyToSwitch"));
}

TEST(AccessStory, ANamespaceThatDidNotInviteUsSaysHowToAndThenWorks) {
  const Shop shop({.opened = false});
  ASSERT_TRUE(shop.says("lkdb/shop", "Ready", "NamespaceNotOpened"));
  const auto message = shop.condition("lkdb/shop", "Ready", "message");
  EXPECT_THAT(message, HasSubstr("kubectl -n " + shop.ns() + " create rolebinding"));
  shop.plane().kubectl({"-n", shop.ns(), "create", "rolebinding", "lockkeeper",
                        "--clusterrole=lockkeeper-namespace",
                        "--serviceaccount=lockkeeper-system:lockkeeper"});
  EXPECT_TRUE(shop.says("lkdb/shop", "Ready", "LimitedVisibility"));
}

}  // namespace
}  // namespace lockkeeper::e2e
