#include "operator/cli/command_line.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace lockkeeper::cli {
namespace {

// argv as a process has it: writable, and to be looked at afterwards.
class Arguments {
 public:
  Arguments(std::initializer_list<std::string> words) : words_(words) {
    for (std::string& word : words_) pointers_.push_back(word.data());
  }
  CommandLine parse() {
    return parse_command_line(static_cast<int>(pointers_.size()), pointers_.data());
  }
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const std::string& word : words_) all += word + " ";
    return all;
  }

 private:
  std::vector<std::string> words_;
  std::vector<char*> pointers_;
};

CommandLine parse(std::initializer_list<std::string> words) {
  return Arguments(words).parse();
}

template <typename T>
T verb_of(std::initializer_list<std::string> words) {
  const CommandLine line = parse(words);
  EXPECT_TRUE(line.verb.has_value()) << line.text;
  return line.verb ? std::get<T>(*line.verb) : T();
}

TEST(CommandLine, TheOperatorTakesTheFlagsOfControllerRuntime) {
  const auto options = verb_of<app::OperatorOptions>({"lockkeeper",
                                                      "operator",
                                                      "--kubeconfig",
                                                      "/k",
                                                      "--leader-elect=false",
                                                      "--leader-election-namespace",
                                                      "ops",
                                                      "--metrics-bind-address",
                                                      "127.0.0.1:1",
                                                      "--insecure-metrics",
                                                      "--health-probe-bind-address=:2",
                                                      "--gates-bind-address",
                                                      "0",
                                                      "--namespaces",
                                                      "a,b",
                                                      "--workers",
                                                      "7",
                                                      "--log-level",
                                                      "debug",
                                                      "--log-format",
                                                      "text",
                                                      "--allow-check-host",
                                                      "localhost"});
  EXPECT_EQ(options.kubeconfig, "/k");
  EXPECT_FALSE(options.leader_elect);
  EXPECT_EQ(options.leader_election_namespace, "ops");
  EXPECT_EQ(options.metrics_bind_address, "127.0.0.1:1");
  EXPECT_TRUE(options.insecure_metrics);
  EXPECT_EQ(options.health_probe_bind_address, ":2");
  EXPECT_EQ(options.gates_bind_address, "0");
  EXPECT_EQ(options.namespaces, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options.workers, 7);
  EXPECT_EQ(options.log_level, base::LogLevel::debug);
  EXPECT_EQ(options.log_format, base::LogFormat::text);
  EXPECT_EQ(options.allow_check_hosts, (std::vector<std::string>{"localhost"}));
}

TEST(CommandLine, TheOperatorsDefaultsAreTheDocumentedOnes) {
  const auto options = verb_of<app::OperatorOptions>({"lockkeeper", "operator"});
  EXPECT_TRUE(options.leader_elect);
  EXPECT_FALSE(options.insecure_metrics);
  EXPECT_EQ(options.log_format, base::LogFormat::json);
  EXPECT_TRUE(
      verb_of<app::OperatorOptions>({"lockkeeper", "operator", "--leader-elect"}).leader_elect);
}

TEST(CommandLine, ApplyTakesItsWishes) {
  const auto verb = verb_of<ApplyVerb>({"lockkeeper", "apply", "-f", "m.yaml", "--database-url",
                                        "postgresql://a@h/d", "--until", "Contract", "--approve",
                                        "abc", "--wait", "1m30s", "-o", "json", "--schema", "app"});
  EXPECT_EQ(verb.file, "m.yaml");
  EXPECT_EQ(verb.database.url, "postgresql://a@h/d");
  EXPECT_EQ(verb.database.schema, "app");
  EXPECT_EQ(verb.until, crds::Until::contract);
  EXPECT_EQ(verb.approve, "abc");
  EXPECT_EQ(verb.wait, std::chrono::seconds(90));
  EXPECT_EQ(verb.output, Output::json);
}

TEST(CommandLine, ThePasswordDoesNotStayInTheProcessList) {
  for (const bool joined : {false, true}) {
    const std::string url = "postgresql://a:s3cret@h/d";
    Arguments arguments =
        joined ? Arguments({"lockkeeper", "plan", "-f", "m", "--database-url=" + url})
               : Arguments({"lockkeeper", "plan", "-f", "m", "--database-url", url});
    const CommandLine line = arguments.parse();
    ASSERT_TRUE(line.verb.has_value()) << line.text;
    EXPECT_EQ(std::get<PlanVerb>(*line.verb).database.url, url);
    EXPECT_EQ(arguments.text().find("s3cret"), std::string::npos) << arguments.text();
  }
}

TEST(CommandLine, TheUrlMayComeFromTheEnvironment) {
  setenv("LOCKKEEPER_DATABASE_URL", "postgresql://env@h/d", 1);
  EXPECT_EQ(verb_of<StatusVerb>({"lockkeeper", "status"}).database.url, "postgresql://env@h/d");
  EXPECT_EQ(verb_of<StatusVerb>({"lockkeeper", "status", "--database-url", "postgresql://x"})
                .database.url,
            "postgresql://x");
  unsetenv("LOCKKEEPER_DATABASE_URL");
  EXPECT_EQ(parse({"lockkeeper", "status"}).exit_code, exit_usage);
}

TEST(CommandLine, MistakesAreBadUsage) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"lockkeeper"},
           {"lockkeeper", "levitate"},
           {"lockkeeper", "plan"},
           {"lockkeeper", "plan", "-f", "m"},
           {"lockkeeper", "apply", "-f", "m", "--database-url", "u", "--until", "Never"},
           {"lockkeeper", "apply", "-f", "m", "--database-url", "u", "--wait", "soon"},
           {"lockkeeper", "plan", "-f", "m", "--database-url", "u", "-o", "xml"},
           {"lockkeeper", "operator", "--workers", "0"},
           {"lockkeeper", "operator", "--log-level", "loud"},
           {"lockkeeper", "ledger"},
           {"lockkeeper", "version", "now"}}) {
    std::vector<std::string> copy = words;
    std::vector<char*> pointers;
    for (std::string& word : copy) pointers.push_back(word.data());
    const CommandLine line = parse_command_line(static_cast<int>(pointers.size()), pointers.data());
    EXPECT_FALSE(line.verb.has_value()) << words.back();
    EXPECT_EQ(line.exit_code, exit_usage) << words.back();
    EXPECT_FALSE(line.text.empty()) << words.back();
  }
}

TEST(CommandLine, HelpIsNoMistakeAndNamesTheExitCodes) {
  const CommandLine line = parse({"lockkeeper", "--help"});
  EXPECT_EQ(line.exit_code, exit_done);
  EXPECT_NE(line.text.find("3 waiting for somebody"), std::string::npos);
  for (const char* verb :
       {"operator", "plan", "apply", "rollback", "status", "ledger", "uninstall", "version"}) {
    EXPECT_NE(line.text.find(verb), std::string::npos) << verb;
  }
}

}  // namespace
}  // namespace lockkeeper::cli
