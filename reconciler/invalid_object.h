// The outcome for an object of ours that does not decode: Stalled/InvalidSpec with the path. A
// field that the server's schema lets through and our reader does not, or an object of another
// version.
#pragma once

#include "reconciler/world.h"

namespace lockkeeper::reconcile {

base::Result<Outcome> invalid_object(const World& world, Kind kind, const Key& key,
                                     const base::Error& error);

}  // namespace lockkeeper::reconcile
