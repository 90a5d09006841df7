// Fills a Sight: reads clocks, windows, Deployments and sessions for those gates that ask for them.
#pragma once

#include "reconciler/gates/gates.h"
#include "reconciler/situation.h"

namespace lockkeeper::reconcile {

// What costs nothing: suspend, windows, until. invalid when a window cannot be read.
base::Result<Sight> sight_of(const Situation& s, const plan::Plan& plan);

base::Result<void> see_traffic(const Situation& s, Look how_far, Sight& sight);
// Sessions of contract.drain, our own left out.
base::Result<std::vector<engine::SessionInfo>> sessions_of(
    const Situation& s, const std::optional<crds::SessionSelector>& selector);

}  // namespace lockkeeper::reconcile
