// Keeps the pool of a Database as its Secret and spec say, looks at the server and tells what it
// saw. Thread-safe for different keys; one key is never reconciled twice at once.
#pragma once

#include "reconciler/world.h"

namespace lockkeeper::reconcile {

class DatabaseReconciler {
 public:
  // An object that is gone gives an empty outcome, and its pool is closed.
  base::Result<Outcome> reconcile(const World& world, const Key& key);
  // What to say on the object when a write that reconcile() decided was refused; the outcome has no
  // writes. Nothing for errors that pass by themselves.
  Outcome write_refused(const World& world, const Key& key, const base::Error& error);
};

}  // namespace lockkeeper::reconcile
