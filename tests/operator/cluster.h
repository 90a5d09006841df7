// What the control-plane tests of the runtime share: a custom kind of their own, a client as admin
// or as a ServiceAccount with a token, a context that can be stopped.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "operator/kube/client.h"
#include "tests/support/control_plane.h"

namespace lockkeeper::kube {

inline const Resource widgets{.group = "test.lockkeeper.dev", .version = "v1", .plural = "widgets"};

struct Widget {
  std::string name;
  int size = 0;
};
base::Result<Widget> decode_widget(const Json& object);

// {"apiVersion", "kind", "metadata", "spec": {"size"}}
Json widget(const std::string& ns, const std::string& name, int size);

// Installs the CRD and waits until it is served.
void install_widgets(support::ControlPlane& plane);
// A ServiceAccount in ns that may do anything to widgets, leases and events; its kubeconfig.
std::string widget_keeper(support::ControlPlane& plane, const std::string& ns);

std::unique_ptr<Client> client_of(const std::string& kubeconfig, ClientOptions options = {});

// Real clock, silent log; stopped at the end of its life at the latest.
class Running {
 public:
  ~Running() { stop(); }
  Running() = default;
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  [[nodiscard]] base::Context context() const {
    return {source_.get_token(), base::Clock::real(), base::Logger{}};
  }
  void stop() { source_.request_stop(); }

 private:
  std::stop_source source_;
};

}  // namespace lockkeeper::kube
