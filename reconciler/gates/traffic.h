// What the cluster says about the traffic: where the Service points, how the two Deployments stand,
// whose pods answer. Reads only; the facts are plain values that the gates judge.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "dbcore/base/context.h"
#include "reconciler/outcome.h"

namespace lockkeeper::crds {
struct BlueGreenSpec;
}
namespace lockkeeper::reconcile {

class Cluster;

struct DeploymentSight {
  std::string name;
  bool exists = false;
  std::int64_t replicas = 0;   // wanted
  bool has_replicas = true;    // spec.replicas is there (a JSON patch replaces it, else adds)
  bool settled = false;        // the controller has seen this spec, and all of it is available
  std::string selector;        // of its pods, as a label selector
  std::set<std::string> pods;  // that still run; only where they were asked for
  std::vector<std::string> managers;  // others who set its replicas
};

struct TrafficSight {
  std::string service;
  bool service_exists = false;
  std::string selected;  // value of the selector key; empty: it has none
  DeploymentSight blue;
  DeploymentSight green;
  int endpoints = 0;           // ready ones behind the Service
  int endpoints_of_green = 0;  // of these
};

enum class Look { selector, pods, endpoints };  // each includes those before it

base::Result<TrafficSight> look_at_traffic(const base::Context& ctx, Cluster& cluster,
                                           const std::string& ns, const crds::BlueGreenSpec& spec,
                                           Look how_far);

// A patch of spec.replicas that fails when somebody else was there in between.
Write scale(const std::string& ns, const DeploymentSight& deployment, std::int64_t replicas);
// Patches the Service's selector from one value to another.
Write select(const std::string& ns, const std::string& service, const std::string& key,
             const std::string& from, const std::string& to);

}  // namespace lockkeeper::reconcile
