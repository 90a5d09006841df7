#include "operator/kube/credentials.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "operator/kube/exec_plugin.h"
#include "operator/kube/files.h"
#include "operator/kube/kubeconfig.h"
#include "operator/kube/timestamps.h"
#include "tests/support/fake_clock.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"

namespace lockkeeper::kube {
namespace {

using std::chrono::seconds;

class CredentialsTest : public ::testing::Test {
 protected:
  // A kubeconfig whose only user has these fields (YAML flow), beside a cluster with those.
  [[nodiscard]] std::filesystem::path config(const std::string& user,
                                             const std::string& cluster = "") const {
    const auto path = folder_ / "config";
    support::write_file(path,
                        "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
                        "clusters: [{name: c, cluster: {server: 'https://x:1'" +
                            (cluster.empty() ? "" : ", " + cluster) +
                            "}}]\n"
                            "users: [{name: u, user: {" +
                            user +
                            "}}]\n"
                            "contexts: [{name: here, context: {cluster: c, user: u, namespace: n}},"
                            " {name: other, context: {cluster: missing, user: u}}]\n");
    return path;
  }
  [[nodiscard]] base::Result<std::optional<std::string>> authorization(
      const std::string& user) const {
    auto credentials = kubeconfig_credentials({.path = config(user)});
    if (!credentials.ok()) return credentials.error();
    return (*credentials)->authorization({{}, clock_, {}});
  }
  // A script that prints this, and counts its runs.
  [[nodiscard]] std::string plugin(const std::string& body) const {
    const auto path = folder_ / "plugin.sh";
    support::write_file(path, "#!/bin/sh\necho run >>" + (folder_ / "runs").string() + "\n" + body);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin.sh, "
           "interactiveMode: Never, args: [one, two], env: [{name: EXTRA, value: given}]";
  }
  [[nodiscard]] int runs() const {
    const auto text = support::read_file(folder_ / "runs");
    return static_cast<int>(std::ranges::count(text, '\n'));
  }

  std::filesystem::path folder_ = support::scratch_dir("credentials");
  support::FakeClock clock_;
};

TEST_F(CredentialsTest, TheCurrentContextSaysWhoAndWhere) {
  const auto credentials = kubeconfig_credentials({.path = config("token: secret")});
  ASSERT_TRUE(credentials.ok()) << credentials.error().text();
  EXPECT_EQ((*credentials)->server(), "https://x:1");
  EXPECT_EQ((*credentials)->ns(), "n");
  EXPECT_TRUE((*credentials)->tls().verify);
  EXPECT_EQ(*(*credentials)->authorization({}), "Bearer secret");
}

TEST_F(CredentialsTest, WhatCannotBeDoneIsRefusedWithItsPath) {
  struct Case {
    std::string user;
    std::string cluster;
    std::string path;
  };
  const std::vector<Case> cases{
      {"username: a, password: b", "", "users.user.username"},
      {"auth-provider: {name: gcp}", "", "users.user.auth-provider"},
      {"token: x", "proxy-url: 'http://p'", "clusters.cluster.proxy-url"},
      {"token: x, token: y", "", "users.user.token"},
      {"token: x", "certificate-authority-data: '***'",
       "clusters.cluster.certificate-authority-data"},
      {"client-certificate-data: YQ==", "", "users.user"},
      {"exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}", "",
       "users.user.exec.apiVersion"},
      {"exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}",
       "", "users.user.exec.interactiveMode"},
  };
  for (const Case& each : cases) {
    const auto read = read_kubeconfig({.path = config(each.user, each.cluster)});
    ASSERT_FALSE(read.ok()) << each.path;
    EXPECT_EQ(read.error().code, base::ErrorCode::invalid) << each.path;
    const std::string tail = each.path.substr(each.path.rfind('.') + 1);
    EXPECT_NE(read.error().path.find(tail), std::string::npos) << read.error().text();
  }
}

TEST_F(CredentialsTest, AContextOrFileThatIsMissingIsNamed) {
  const auto path = config("token: x");
  EXPECT_FALSE(read_kubeconfig({.path = path, .context = "other"}).ok());
  const auto none = read_kubeconfig({.path = path, .context = "none"});
  EXPECT_NE(none.error().text().find("\"none\""), std::string::npos) << none.error().text();
  EXPECT_EQ(read_kubeconfig({.path = folder_ / "absent"}).error().code,
            base::ErrorCode::precondition);
  support::write_file(folder_ / "config", "[: not yaml");
  EXPECT_FALSE(read_kubeconfig({.path = folder_ / "config"}).ok());
}

TEST_F(CredentialsTest, FilesAreRelativeToTheKubeconfig) {
  support::write_file(folder_ / "ca.crt", "the authority");
  support::write_file(folder_ / "user.crt", "certificate");
  support::write_file(folder_ / "user.key", "key");
  const auto read =
      read_kubeconfig({.path = config("client-certificate: user.crt, client-key: user.key",
                                      "certificate-authority: ca.crt")});
  ASSERT_TRUE(read.ok()) << read.error().text();
  EXPECT_EQ(read->ca_pem, "the authority");
  EXPECT_EQ(read->identity->certificate_pem, "certificate");
  EXPECT_EQ(read->identity->key_pem, "key");
}

TEST_F(CredentialsTest, OfSeveralFilesTheFirstThatNamesAnEntryCounts) {
  const auto first = folder_ / "first";
  support::write_file(first,
                      "users: [{name: u, user: {token: mine}}]\n"
                      "contexts: [{name: there, context: {cluster: c, user: u}}]\n");
  std::filesystem::create_directory(folder_ / "sub");
  support::write_file(folder_ / "sub/ca.crt", "the authority");
  support::write_file(folder_ / "sub/second",
                      "current-context: there\n"
                      "clusters: [{name: c, cluster: {server: 'https://x:1', "
                      "certificate-authority: ca.crt}}]\n"
                      "users: [{name: u, user: {token: theirs}}]\n");
  const auto read =
      read_kubeconfig({.path = first, .more = {folder_ / "absent", folder_ / "sub/second"}});
  ASSERT_TRUE(read.ok()) << read.error().text();
  EXPECT_EQ(read->token, "mine");
  EXPECT_EQ(read->ca_pem, "the authority");
  EXPECT_EQ(read_kubeconfig({.path = folder_ / "no", .more = {folder_ / "none"}}).error().code,
            base::ErrorCode::precondition);
}

TEST_F(CredentialsTest, ATokenFileIsReadAgainAfterAMinuteOrARefusal) {
  support::write_file(folder_ / "token", "first\n");
  const auto credentials = kubeconfig_credentials({.path = config("tokenFile: token")});
  ASSERT_TRUE(credentials.ok()) << credentials.error().text();
  const base::Context ctx({}, clock_, {});
  EXPECT_EQ(*(*credentials)->authorization(ctx), "Bearer first");
  support::write_file(folder_ / "token", "second");
  EXPECT_EQ(*(*credentials)->authorization(ctx), "Bearer first");
  clock_.advance(seconds{60});
  EXPECT_EQ(*(*credentials)->authorization(ctx), "Bearer second");
  support::write_file(folder_ / "token", "third");
  (*credentials)->reject();
  EXPECT_EQ(*(*credentials)->authorization(ctx), "Bearer third");
  std::filesystem::remove(folder_ / "token");
  clock_.advance(seconds{60});
  EXPECT_EQ(*(*credentials)->authorization(ctx), "Bearer third") << "the last one serves on";
}

TEST_F(CredentialsTest, APluginIsRunWithItsArgumentsAndItsTokenKeptUntilItExpires) {
  const std::string user =
      plugin(
          "echo \"{\\\"kind\\\":\\\"ExecCredential\\\",\\\"status\\\":{\\\"token\\\":"
          "\\\"$1-$2-$EXTRA\\\",\\\"expirationTimestamp\\\":\\\"2026-11-22T13:00:00Z\\\"}}\"\n") +
      "}";
  const auto credentials = kubeconfig_credentials({.path = config(user)});
  ASSERT_TRUE(credentials.ok()) << credentials.error().text();
  const base::Context ctx({}, clock_, {});
  for (int i = 0; i < 2; ++i) {
    const auto got = (*credentials)->authorization(ctx);
    ASSERT_TRUE(got.ok()) << got.error().text();
    EXPECT_EQ(*got, "Bearer one-two-given");
  }
  EXPECT_EQ(runs(), 1);
  clock_.set_wall(*parse_timestamp("2026-11-22T12:59:31Z"));
  ASSERT_TRUE((*credentials)->authorization(ctx).ok());
  EXPECT_EQ(runs(), 2) << "renewed shortly before it expires";
  (*credentials)->reject();
  clock_.set_wall(*parse_timestamp("2026-11-22T12:00:00Z"));
  ASSERT_TRUE((*credentials)->authorization(ctx).ok());
  EXPECT_EQ(runs(), 3);
}

TEST_F(CredentialsTest, APluginIsToldAboutTheClusterWhenItAsks) {
  const std::string user =
      plugin("printf '%s' \"$KUBERNETES_EXEC_INFO\" >" + (folder_ / "info").string() +
             "\necho '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\"}}'\n") +
      ", provideClusterInfo: true}";
  ASSERT_TRUE(authorization(user).ok());
  const auto info = support::read_file(folder_ / "info");
  EXPECT_NE(info.find("\"server\":\"https://x:1\""), std::string::npos) << info;
  EXPECT_NE(info.find("client.authentication.k8s.io/v1"), std::string::npos) << info;
}

TEST_F(CredentialsTest, APluginThatFailsSaysWhy) {
  const auto failed = authorization(plugin("echo 'log in first' >&2\nexit 3\n") + "}");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, base::ErrorCode::precondition);
  EXPECT_NE(failed.error().detail.find("log in first"), std::string::npos);
  EXPECT_FALSE(authorization(plugin("echo nonsense\n") + "}").ok());
  const auto absent = authorization(
      "exec: {apiVersion: client.authentication.k8s.io/v1, command: /no/such/plugin, "
      "installHint: install it}");
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().hint, "install it");
}

TEST_F(CredentialsTest, APluginMayGiveACertificate) {
  const auto credential = parse_exec_credential(
      R"({"kind":"ExecCredential","status":{"clientCertificateData":"c","clientKeyData":"k"}})");
  ASSERT_TRUE(credential.ok());
  EXPECT_EQ(credential->identity->certificate_pem, "c");
  EXPECT_FALSE(credential->expires.has_value());
  EXPECT_FALSE(parse_exec_credential(R"({"kind":"ExecCredential","status":{}})").ok());
}

TEST(Base64Test, DecodesWhatItEncodes) {
  for (const std::string text : {"", "a", "ab", "abc", "abcd"}) {
    EXPECT_EQ(*decode_base64(encode_base64(text)), text);
  }
  EXPECT_EQ(*decode_base64("YWJj\nZGVm\n"), "abcdef");
  EXPECT_FALSE(decode_base64("YWJ").ok());
  EXPECT_FALSE(decode_base64("****").ok());
}

TEST(TimestampsTest, AreReadAsTheyAreWritten) {
  const auto time = *parse_timestamp("2026-11-22T16:05:27.123456Z");
  EXPECT_EQ(micro_timestamp(time), "2026-11-22T16:05:27.123456Z");
  EXPECT_EQ(timestamp(time), "2026-11-22T16:05:27Z");
  EXPECT_EQ(parse_timestamp("2026-11-22T18:05:27+02:00"), parse_timestamp("2026-11-22T16:05:27Z"));
  EXPECT_EQ(parse_timestamp("tomorrow"), std::nullopt);
  EXPECT_EQ(parse_timestamp("2026-11-22T16:05:27Zx"), std::nullopt);
  EXPECT_EQ(parse_timestamp(""), std::nullopt);
}

}  // namespace
}  // namespace lockkeeper::kube
