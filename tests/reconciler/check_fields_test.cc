// Each field of a check changes what is asked, or what is made of the answer.
#include "tests/reconciler/shop.h"

namespace lockkeeper::reconcile::testing {
namespace {

constexpr const char* bake_failed = "BakeFailed";

// Bakes with this check until it has failed or a minute has passed; the reason of GateOpen.
std::string bake_with(Shop& shop, crds::CheckSpec check) {
  check.interval = 1s;
  check.failures = 1;
  shop.edit([&](auto& spec) {
    spec.switch_spec->checks = {check};
    spec.switch_spec->bake = 30s;
  });
  EXPECT_TRUE(shop.until(Phase::baking)) << shop.status().message;
  shop.settle(4);
  return shop.reason(ConditionType::gate_open);
}

TEST(CheckFields, an_http_check_passes_on_the_status_that_it_expects) {
  for (const int expect : {204, 200}) {
    Shop shop;
    shop.http.answer.status = 204;
    crds::CheckSpec check;
    check.http = crds::HttpCheck{};
    check.http->url = "http://shop.shop.svc/health";
    check.http->expect = expect;
    EXPECT_EQ(bake_with(shop, check) == bake_failed, expect == 200);
  }
}

TEST(CheckFields, an_http_check_sends_headers_and_trusts_the_ca_of_its_secrets) {
  Shop shop;
  shop.cluster.at(Kind::secret, "headers") = {{"data", {{"X-Token", "c2VzYW1l"}}}};
  shop.cluster.at(Kind::secret, "ca") = {{"data", {{"root.pem", "UEVN"}}}};
  crds::CheckSpec check;
  check.http = crds::HttpCheck{};
  check.http->url = "https://shop.shop.svc/health";
  check.http->timeout = 1234ms;
  check.http->headers_secret_ref = crds::SecretReference{.name = "headers"};
  check.http->ca_secret_ref = crds::SecretKeyReference{"ca", "root.pem"};
  EXPECT_NE(bake_with(shop, check), bake_failed);
  EXPECT_EQ(shop.http.last.headers, (std::map<std::string, std::string>{{"X-Token", "sesame"}}));
  EXPECT_EQ(shop.http.last.ca_pem, "PEM");
  EXPECT_EQ(shop.http.last.timeout, 1234ms);
}

TEST(CheckFields, a_prometheus_check_judges_by_min_and_max) {
  struct Case {
    std::optional<double> min;
    std::optional<double> max;
    bool fails;
  };
  for (const Case& one : {Case{{}, 5, false}, Case{{}, 2, true}, Case{1, {}, false},
                          Case{4, {}, true}, Case{1, 5, false}}) {
    Shop shop;
    shop.http.answer.body =
        R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"3"]}]}})";
    crds::CheckSpec check;
    check.prometheus = crds::PrometheusCheck{};
    check.prometheus->url = "http://prometheus:9090";
    check.prometheus->query = "errors";
    check.prometheus->min = one.min;
    check.prometheus->max = one.max;
    EXPECT_EQ(bake_with(shop, check) == bake_failed, one.fails);
    EXPECT_EQ(shop.http.last.url, "http://prometheus:9090/api/v1/query?query=errors");
  }
}

TEST(CheckFields, a_rollback_waits_for_sessions_of_the_user_of_the_new_version) {
  Lab lab;
  lab.edit([](auto& spec) {
    spec.until = crds::Until::expand;
    spec.contract.drain.new_version = crds::SessionSelector{};
    spec.contract.drain.new_version->user = "shop_v2";
  });
  ASSERT_TRUE(lab.until(Phase::ready_to_switch)) << lab.status().message;
  lab.rollout->clients = {{4711, "shop_v2", "psql", "active"}};
  lab.edit([](auto& spec) { spec.rollback = true; });
  lab.settle(5);
  EXPECT_EQ(lab.status().phase, Phase::rolling_back);
  EXPECT_EQ(lab.reason(ConditionType::ready), "DrainingNew");
  lab.rollout->clients.clear();
  EXPECT_TRUE(lab.until(Phase::rolled_back)) << lab.status().message;
}

}  // namespace
}  // namespace lockkeeper::reconcile::testing
