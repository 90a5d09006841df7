// GETs for the checks of a switch, to addresses that a user named. Refuses those that would turn
// the operator against its own node or cluster: link-local and loopback addresses and the API
// server's, after the name was resolved; the connection then goes to the very address that was
// judged. Thread-safe.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "reconciler/world.h"

namespace lockkeeper::app {

class CheckProbe final : public reconcile::HttpProbe {
 public:
  // api_server: its base URL; allowed: hosts (as written in a check's url) that are not judged.
  CheckProbe(const std::string& api_server, const std::vector<std::string>& allowed);

  base::Result<reconcile::HttpProbeAnswer> get(const base::Context& ctx,
                                               const reconcile::HttpProbeRequest& request) override;

 private:
  base::Result<void> judge(const std::string& host, std::string_view address) const;

  const std::string api_server_;
  const std::set<std::string> allowed_;
};

}  // namespace lockkeeper::app
