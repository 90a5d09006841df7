// Finalizers and annotations of our own objects, changed by JSON patches that fail when the object
// is another one by now. Pure.
#pragma once

#include <string>

#include "crds/meta.h"
#include "reconciler/outcome.h"

namespace lockkeeper::reconcile {

// Nothing else should be written in the same outcome: the object's resourceVersion moves.
Write add_finalizer(Kind kind, const crds::ObjectMeta& meta);
Write remove_finalizer(Kind kind, const crds::ObjectMeta& meta);

}  // namespace lockkeeper::reconcile
