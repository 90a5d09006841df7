// Takes a Migration one bounded piece of work further: looks at the object, the ledger and the
// cluster, and says what its status is and what is to be written. Thread-safe for different keys;
// one key is never reconciled twice at once.
//
// Holds nothing that a restart must not lose: epochs that this process owns, counts of failed
// checks, when a blocked job may be tried again.
#pragma once

#include <memory>

#include "reconciler/world.h"

namespace lockkeeper::reconcile {

class Memories;

class MigrationReconciler {
 public:
  MigrationReconciler();
  ~MigrationReconciler();
  MigrationReconciler(const MigrationReconciler&) = delete;
  MigrationReconciler& operator=(const MigrationReconciler&) = delete;

  // An object that is gone gives an empty outcome.
  base::Result<Outcome> reconcile(const World& world, const Key& key);
  // What to say on the object when a write that reconcile() decided was refused; the outcome has no
  // writes. Nothing for errors that pass by themselves.
  Outcome write_refused(const World& world, const Key& key, const base::Error& error);

 private:
  std::unique_ptr<Memories> memories_;
};

}  // namespace lockkeeper::reconcile
