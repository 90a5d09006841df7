#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reconciler/gates/answers.h"
#include "reconciler/json_view.h"
#include "reconciler/plan_document.h"

namespace lockkeeper::reconcile {
namespace {

HttpProbeAnswer prometheus(const std::string& data) {
  return {200, R"({"status":"success","data":)" + data + "}"};
}

TEST(Prometheus, a_sample_within_the_bounds_passes) {
  const auto answer =
      prometheus(R"({"resultType":"vector","result":[{"metric":{},"value":[1,"0.01"]}]})");
  EXPECT_EQ(judge_prometheus(answer, std::nullopt, 0.05), "");
  EXPECT_EQ(judge_prometheus(answer, 0.02, std::nullopt), "0.01 is below the minimum of 0.02");
  EXPECT_EQ(judge_prometheus(answer, std::nullopt, 0.005), "0.01 is above the maximum of 0.005");
}

TEST(Prometheus, every_series_is_judged) {
  const auto answer =
      prometheus(R"({"resultType":"vector","result":[{"value":[1,"1"]},{"value":[1,"9"]}]})");
  EXPECT_NE(judge_prometheus(answer, std::nullopt, 5), "");
}

TEST(Prometheus, a_scalar_is_a_sample) {
  EXPECT_EQ(judge_prometheus(prometheus(R"({"resultType":"scalar","result":[1,"3"]})"), 2, 4), "");
}

TEST(Prometheus, nothing_is_not_good_news) {
  for (const char* data : {R"({"resultType":"vector","result":[]})",
                           R"({"resultType":"vector","result":[{"value":[1,"NaN"]}]})",
                           R"({"resultType":"vector","result":[{"value":"x"}]})",
                           R"({"resultType":"matrix","result":[]})"}) {
    EXPECT_NE(judge_prometheus(prometheus(data), std::nullopt, 5), "") << data;
  }
  EXPECT_NE(judge_prometheus({200, "<html>"}, std::nullopt, 5), "");
  EXPECT_NE(judge_prometheus({503, ""}, std::nullopt, 5), "");
}

TEST(Prometheus, the_query_is_encoded) {
  EXPECT_EQ(prometheus_url("http://p:9090/", "rate(x[5m]) > 1"),
            "http://p:9090/api/v1/query?query=rate%28x%5B5m%5D%29%20%3E%201");
}

TEST(Hosts, link_local_addresses_are_never_asked) {
  for (const char* url : {"http://169.254.169.254/latest/meta-data", "http://[fe80::1]/",
                          "https://user@169.254.0.1:8080/x", "http://[::ffff:169.254.169.254]/",
                          "http://[FEBF::1]/"}) {
    EXPECT_TRUE(is_refused_host(url)) << url;
  }
  for (const char* url : {"http://shop.shop.svc/health", "http://10.0.0.1/", "http://fe80.example/",
                          "http://169.253.0.1/", "http://feed:80/"}) {
    EXPECT_FALSE(is_refused_host(url)) << url;
  }
}

TEST(JsonView, secrets_are_decoded) {
  const Json secret = {{"data", {{"uri", "cG9zdGdyZXM6Ly8="}, {"bad", "*"}}}};
  EXPECT_EQ(secret_value(secret, "uri"), "postgres://");
  EXPECT_EQ(secret_value(secret, "bad"), std::nullopt);
  EXPECT_EQ(secret_value(secret, "none"), std::nullopt);
}

TEST(JsonView, selectors_become_what_the_api_server_takes) {
  const Json selector = {{"matchLabels", {{"app", "shop"}, {"track", "blue"}}},
                         {"matchExpressions",
                          {{{"key", "tier"}, {"operator", "In"}, {"values", {"a", "b"}}},
                           {{"key", "old"}, {"operator", "DoesNotExist"}}}}};
  EXPECT_EQ(label_selector(selector), "app=shop,track=blue,tier in (a,b),!old");
}

TEST(PlanDocument, a_big_plan_goes_on_in_more_config_maps) {
  crds::ObjectMeta meta;
  meta.name = "big";
  meta.ns = "shop";
  meta.uid = "u";
  plan::Plan plan;
  plan.schema = "public";
  plan.hash = "aaaa";
  plan::Step step;
  step.id = "expand-t";
  step.action = plan::Action{};
  step.action->statements = {"SELECT '" + std::string(1'200'000, 'x') + "'"};
  plan.steps = {step};
  const auto writes = plan_documents(meta, plan);
  ASSERT_GE(writes.size(), 3U);
  EXPECT_EQ(writes[0].key.name, "big-plan");
  EXPECT_EQ(writes[1].key.name, "big-plan-1");
  std::size_t whole = 0;
  for (const Write& write : writes) {
    std::size_t size = 0;
    for (const auto& [key, value] : (*write.body)["data"].items()) {
      size += value.get_ref<const std::string&>().size();
    }
    EXPECT_LE(size, 1'000'000U);
    whole += size;
  }
  EXPECT_GT(whole, 2'400'000U);
}

TEST(PlanDocument, a_long_name_is_cut_to_a_name_of_its_own) {
  const std::string a = plan_document_name(std::string(250, 'a') + "bcd");
  const std::string b = plan_document_name(std::string(250, 'a') + "xyz");
  EXPECT_LE(a.size(), 249U);
  EXPECT_NE(a, b);
}

}  // namespace
}  // namespace lockkeeper::reconcile
