#include "reconciler/gates/traffic.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "crds/migration.h"
#include "reconciler/json_view.h"
#include "reconciler/world.h"

namespace lockkeeper::reconcile {
namespace {

constexpr std::string_view our_manager = "lockkeeper";

bool sets_replicas(const Json& entry) {
  return member(entry, {"fieldsV1", "f:spec", "f:replicas"}) != nullptr;
}

std::vector<std::string> other_managers(const Json& deployment) {
  std::vector<std::string> managers;
  for (const Json& entry : list_at(deployment, {"metadata", "managedFields"})) {
    const std::string manager = text_at(entry, {"manager"});
    if (sets_replicas(entry) && manager != our_manager) managers.push_back(manager);
  }
  return managers;
}

// All of the wanted replicas are of the newest template and available, and no others are left.
bool is_settled(const Json& deployment, std::int64_t wanted) {
  const auto count = [&](std::string_view name) {
    return integer_at(deployment, {"status", name}).value_or(0);
  };
  const auto generation = integer_at(deployment, {"metadata", "generation"}).value_or(0);
  return count("observedGeneration") >= generation && count("replicas") == wanted &&
         count("updatedReplicas") == wanted && count("availableReplicas") == wanted;
}

base::Result<DeploymentSight> look_at(const base::Context& ctx, Cluster& cluster,
                                      const std::string& ns, const std::string& name) {
  DeploymentSight sight;
  sight.name = name;
  TRY(const Object object, cluster.get(ctx, Kind::deployment, {ns, name}));
  if (object == nullptr) return sight;
  sight.exists = true;
  const auto replicas = integer_at(*object, {"spec", "replicas"});
  sight.has_replicas = replicas.has_value();
  sight.replicas = replicas.value_or(1);
  sight.settled = is_settled(*object, sight.replicas);
  const Json* selector = member(*object, {"spec", "selector"});
  if (selector != nullptr) sight.selector = label_selector(*selector);
  sight.managers = other_managers(*object);
  return sight;
}

bool has_ended(const Json& pod) {
  const std::string phase = text_at(pod, {"status", "phase"});
  return phase == "Succeeded" || phase == "Failed";
}

base::Result<void> count_pods(const base::Context& ctx, Cluster& cluster, const std::string& ns,
                              DeploymentSight& deployment) {
  if (!deployment.exists || deployment.selector.empty()) return base::ok();
  TRY(const auto pods, cluster.list(ctx, Kind::pod, ns, deployment.selector));
  for (const Object& pod : pods) {
    if (!has_ended(*pod)) deployment.pods.insert(text_at(*pod, {"metadata", "name"}));
  }
  return base::ok();
}

void count_endpoint(const Json& endpoint, TrafficSight& sight) {
  if (!boolean_at(endpoint, {"conditions", "ready"}).value_or(true)) return;
  ++sight.endpoints;
  if (sight.green.pods.contains(text_at(endpoint, {"targetRef", "name"}))) {
    ++sight.endpoints_of_green;
  }
}

base::Result<void> count_endpoints(const base::Context& ctx, Cluster& cluster,
                                   const std::string& ns, TrafficSight& sight) {
  TRY(const auto slices,
      cluster.list(ctx, Kind::endpoint_slice, ns, "kubernetes.io/service-name=" + sight.service));
  for (const Object& slice : slices) {
    for (const Json& endpoint : list_at(*slice, {"endpoints"})) count_endpoint(endpoint, sight);
  }
  return base::ok();
}

base::Result<void> look_at_service(const base::Context& ctx, Cluster& cluster,
                                   const std::string& ns, const std::string& selector_key,
                                   TrafficSight& sight) {
  TRY(const Object service, cluster.get(ctx, Kind::service, {ns, sight.service}));
  if (service == nullptr) return base::ok();
  sight.service_exists = true;
  sight.selected = text_at(*service, {"spec", "selector", selector_key});
  return base::ok();
}

Object body_of(Json json) {
  return std::make_shared<const Json>(std::move(json));
}

}  // namespace

base::Result<TrafficSight> look_at_traffic(const base::Context& ctx, Cluster& cluster,
                                           const std::string& ns, const crds::BlueGreenSpec& spec,
                                           Look how_far) {
  TrafficSight sight;
  sight.service = spec.service.name;
  TRY_OK(look_at_service(ctx, cluster, ns, spec.selector_key, sight));
  TRY(sight.blue, look_at(ctx, cluster, ns, spec.blue.deployment));
  TRY(sight.green, look_at(ctx, cluster, ns, spec.green.deployment));
  if (how_far == Look::selector) return sight;
  TRY_OK(count_pods(ctx, cluster, ns, sight.blue));
  TRY_OK(count_pods(ctx, cluster, ns, sight.green));
  if (how_far == Look::endpoints) TRY_OK(count_endpoints(ctx, cluster, ns, sight));
  return sight;
}

Write scale(const std::string& ns, const DeploymentSight& deployment, std::int64_t replicas) {
  Json patch = Json::array();
  if (deployment.has_replicas) {
    patch.push_back({{"op", "test"}, {"path", "/spec/replicas"}, {"value", deployment.replicas}});
  }
  patch.push_back({{"op", "add"}, {"path", "/spec/replicas"}, {"value", replicas}});
  return {Verb::json_patch,
          Kind::deployment,
          {ns, deployment.name},
          body_of(std::move(patch)),
          fmt::format("Deployment {} to {} replicas", deployment.name, replicas)};
}

Write select(const std::string& ns, const std::string& service, const std::string& key,
             const std::string& from, const std::string& to) {
  const std::string path = "/spec/selector/" + pointer_token(key);
  const Json patch = {{{"op", "test"}, {"path", path}, {"value", from}},
                      {{"op", "replace"}, {"path", path}, {"value", to}}};
  return {Verb::json_patch,
          Kind::service,
          {ns, service},
          body_of(patch),
          fmt::format("Service {} from {} to {}", service, from, to)};
}

}  // namespace lockkeeper::reconcile
