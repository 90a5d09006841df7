#include "reconciler/outcome.h"

#include <array>

namespace lockkeeper::reconcile {

const KindName& name_of(Kind kind) {
  static constexpr std::array<KindName, 8> names = {{
      {"lockkeeper.dev", "v1alpha1", "migrations", "Migration"},
      {"lockkeeper.dev", "v1alpha1", "databases", "Database"},
      {"", "v1", "secrets", "Secret"},
      {"", "v1", "configmaps", "ConfigMap"},
      {"", "v1", "services", "Service"},
      {"apps", "v1", "deployments", "Deployment"},
      {"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"},
      {"", "v1", "pods", "Pod"},
  }};
  return names.at(static_cast<std::size_t>(kind));
}

}  // namespace lockkeeper::reconcile
