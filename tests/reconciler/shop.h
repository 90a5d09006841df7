// A Lab with something to switch.
#pragma once

#include <string>

#include "tests/reconciler/fake_world.h"

namespace lockkeeper::reconcile::testing {

// A Lab with Service, blue and green, and a controller that makes Deployments settle at once.
class Shop : public Lab {
 public:
  Shop() {
    cluster.at(Kind::service, "shop") = {{"spec", {{"selector", {{"track", "blue"}}}}}};
    deployment("blue", 2);
    deployment("green", 2);
    crds::SwitchSpec move;
    move.blue_green.service.name = "shop";
    move.blue_green.selector_key = "track";
    move.blue_green.blue = {"shop-blue", "blue", 30s};
    move.blue_green.green = {"shop-green", "green"};
    move.bake = 60s;
    spec().switch_spec = move;
    kubelet();
  }
  void deployment(const std::string& track, int replicas) {
    cluster.at(Kind::deployment, "shop-" + track) = {
        {"metadata", {{"generation", 1}}},
        {"spec", {{"replicas", replicas}, {"selector", {{"matchLabels", {{"track", track}}}}}}}};
  }
  int replicas(const std::string& track) {
    return cluster.at(Kind::deployment, "shop-" + track)["spec"]["replicas"].get<int>();
  }
  std::string selected() {
    return cluster.at(Kind::service, "shop")["spec"]["selector"]["track"].get<std::string>();
  }
  void point_at(const std::string& track) {
    cluster.at(Kind::service, "shop")["spec"]["selector"]["track"] = track;
  }

  // Pods, Deployment statuses and EndpointSlices follow what is wanted.
  void kubelet() {
    std::erase_if(cluster.objects,
                  [](const auto& entry) { return entry.first.first == Kind::pod; });
    for (const std::string track : {"blue", "green"}) {
      auto& object = cluster.at(Kind::deployment, "shop-" + track);
      const int wanted = object["spec"]["replicas"].get<int>();
      object["status"] = {{"observedGeneration", 1},
                          {"replicas", wanted},
                          {"updatedReplicas", wanted},
                          {"availableReplicas", wanted}};
      for (int i = 0; i < wanted; ++i) {
        const std::string name = track + "-" + std::to_string(i);
        cluster.at(Kind::pod,
                   name) = {{"metadata", {{"name", name}, {"labels", {{"track", track}}}}}};
      }
    }
    Json endpoints = Json::array();
    for (int i = 0; i < replicas(selected()); ++i) {
      endpoints.push_back({{"conditions", {{"ready", true}}},
                           {"targetRef", {{"name", selected() + "-" + std::to_string(i)}}}});
    }
    cluster.at(Kind::endpoint_slice, "shop-1") = {
        {"metadata", {{"labels", {{"kubernetes.io/service-name", "shop"}}}}},
        {"endpoints", endpoints}};
  }
  bool until(Phase phase, int most = 120) {
    for (int i = 0; i < most; ++i) {
      const Outcome outcome = reconcile();
      if (gone()) return false;
      if (status().phase == phase) return true;
      pass(outcome);
      kubelet();
    }
    return false;
  }
  bool until_gone(int most = 120) {
    for (int i = 0; i < most; ++i) {
      const Outcome outcome = reconcile();
      if (gone()) return true;
      pass(outcome);
      kubelet();
    }
    return false;
  }
  void settle(int most = 20) {
    for (int i = 0; i < most && !gone(); ++i) {
      pass(reconcile());
      kubelet();
    }
  }
};

}  // namespace lockkeeper::reconcile::testing
