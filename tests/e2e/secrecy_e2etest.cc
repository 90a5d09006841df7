// The password that stands in a Secret stands nowhere else, in no form, whatever goes wrong.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cctype>
#include <sstream>

#include "tests/e2e/shop.h"
#include "tests/support/await.h"
#include "tests/support/paths.h"

namespace lockkeeper::e2e {
namespace {

using std::chrono::seconds;
using support::await;

const std::string secret = R"(p@ss/w:rd% #?'"\&=1 ü)";

std::string percent_encoded(const std::string& text) {
  std::string out;
  for (const unsigned char c : text) {
    out += std::isalnum(c) != 0 && c < 128 ? std::string(1, static_cast<char>(c))
                                           : fmt::format("%{:02X}", c);
  }
  return out;
}

std::string doubled(const std::string& text, char quote) {
  std::string out;
  for (const char c : text) out += c == quote ? std::string(2, quote) : std::string(1, c);
  return out;
}

std::string base64(const std::string& text) {
  return support::run_checked(
      {"base64", "-w0"},
      {.environment = {}, .user = {}, .directory = {}, .output = {}, .input = text});
}

struct Form {
  std::string name;
  std::string text;
};

// As it may be met, and as whoever quotes, escapes or encodes it would write it. Its start and its
// end too: a text that was cut, or whose special characters were replaced, still tells most of it.
std::vector<Form> forms() {
  const auto json = Json(secret).dump();
  return {{"plain", secret},
          {"percent-encoded", percent_encoded(secret)},
          {"as an SQL literal", doubled(secret, '\'')},
          {"as JSON", json.substr(1, json.size() - 2)},
          {"base64", base64(secret)},
          {"its start", "p@ss/w:rd"},
          {"its start, percent-encoded", "p%40ss"}};
}

std::string command_lines() {
  return support::run_checked(
      {"bash", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'; ps -eo args"});
}

struct Place {
  std::string name;
  std::string text;
};

std::vector<Place> places(Shop& shop) {
  const auto kubectl = [&](const std::vector<std::string>& words) {
    std::vector<std::string> command = {"-n", shop.ns()};
    command.insert(command.end(), words.begin(), words.end());
    return shop.plane().kubectl(command);
  };
  return {
      {"the operator's log", shop.lockkeeper().log()},
      {"objects",
       kubectl({"get", "lkdb,lkm,configmaps,events,events.events.k8s.io,leases.coordination.k8s.io",
                "-o", "json", "--show-managed-fields"})},
      {"kubectl describe", kubectl({"describe", "lkdb,lkm"})},
      {"metrics", shop.lockkeeper().metrics()},
      {"process list", command_lines()},
      {"the operator's environment",
       support::read_file(fmt::format("/proc/{}/environ", shop.lockkeeper().pid()))},
      {"what the server shows of sessions",
       shop.postgres().sql("postgres", "SELECT * FROM pg_stat_activity")},
      {"the server's log", shop.postgres().log()},
      {"the ledger",
       support::run_checked({support::PrivatePostgres::programs() / "pg_dump",
                             "--schema=lockkeeper", "--data-only", "-d", shop.uri()})}};
}

void expect_nowhere(Shop& shop, const std::string& when) {
  for (const Place& place : places(shop)) {
    EXPECT_NE(place.text, "") << place.name << ": nothing was looked at";
    for (const Form& form : forms()) {
      EXPECT_EQ(place.text.find(form.text), std::string::npos)
          << form.name << " stands in " << place.name << ", " << when;
    }
  }
}

TEST(SecrecyStory, ThePasswordStandsInTheSecretOnly) {
  support::PrivatePostgres server(
      {.settings = {"log_connections = on", "log_min_messages = info"}});
  Shop shop({.postgres = &server, .arguments = {"--log-level", "debug"}});
  // Not by SQL text: the server's log is one of the places that are looked at.
  server.execute("postgres",
                 "SET log_min_error_statement = panic; SET password_encryption = "
                 "'scram-sha-256'; ALTER ROLE " +
                     shop.role() + " PASSWORD '" + doubled(secret, '\'') + "'");
  const auto uri_with = [&](const std::string& word) { return shop.secret_uri(word); };
  shop.apply_secret("shop", uri_with(percent_encoded(secret)));
  shop.execute("CREATE TABLE shop.orders AS SELECT id, amount FROM shop.users");
  // Each way in which a connection can fail, with the password in its string.
  shop.apply_secret("wrong", uri_with(percent_encoded(secret + "!")));
  shop.apply_secret("unencoded", uri_with(secret));
  shop.apply_secret("nobody", uri_with(percent_encoded(secret)) + "&options=-c%20a%3Db");
  shop.apply_secret("away", shop.secret_uri(percent_encoded(secret), 1));
  shop.apply_secret("nowhere", shop.secret_uri(percent_encoded(secret), 0, "verify-full"));
  const Json talkative = {{"logging", {{"queries", true}, {"slowQuery", "1ms"}}}};
  for (const auto* name : {"wrong", "unencoded", "nobody", "away", "nowhere"}) {
    shop.apply_database(name, talkative);
  }
  shop.apply_database("shop", {{"defaultSchema", "shop"}, {"logging", talkative.at("logging")}});
  ASSERT_TRUE(shop.says("lkdb/shop", "Ready", "LimitedVisibility", seconds(90)));
  shop.migrate("plan", Json::parse(R"([{"addColumn": {"table": "users", "up": "'free'",
      "column": {"name": "plan", "type": "text", "nullable": false}}}])"));
  ASSERT_TRUE(shop.reaches("plan", "ReadyToSwitch"));
  shop.migrate("bad", Json::parse(R"([{"addColumn": {"table": "orders", "up": "1 / (amount - 7) ",
      "column": {"name": "x", "type": "int"}}}])"));
  EXPECT_TRUE(shop.says("lkm/bad", "Ready", "RowFails"));
  for (const auto* name : {"wrong", "unencoded", "nobody", "away", "nowhere"}) {
    EXPECT_TRUE(await([&] {
      return !shop.condition("lkdb/" + std::string(name), "Ready", "message").empty();
    })) << name;
    EXPECT_EQ(shop.condition("lkdb/" + std::string(name), "Ready", "status"), "False") << name;
  }
  expect_nowhere(shop, "while it works");
  server.restart(support::StopMode::immediate);
  shop.patch("plan", {{"spec", {{"until", "Contract"}}}});
  ASSERT_TRUE(shop.reaches("plan", "Completed"));
  expect_nowhere(shop, "after an outage");
}

}  // namespace
}  // namespace lockkeeper::e2e
