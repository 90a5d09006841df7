// What a Migration does in each phase: one function each, bounded to seconds. A function reads the
// situation, may add writes and start or stop a job, and concludes with what is printed. An error
// is what kept it from looking; the caller puts that into words.
#pragma once

#include "reconciler/situation.h"

namespace lockkeeper::reconcile {

// Where it stands by ledger, spec and traffic; status.phase is never asked.
crds::Phase decide(const Situation& s);

// Pending, Planned and AwaitingApproval are printed by one function: each reconcile before the
// first DDL asks the whole list anew.
base::Result<void> before_start(Situation& s);
base::Result<void> expanding(Situation& s);
base::Result<void> ready_to_switch(Situation& s);
base::Result<void> switching(Situation& s);
base::Result<void> baking(Situation& s);
base::Result<void> awaiting_contract(Situation& s);
base::Result<void> contracting(Situation& s);
base::Result<void> completed(Situation& s);
base::Result<void> rolling_back(Situation& s);
base::Result<void> rolled_back(Situation& s);

// Runs the function that the table gives for a phase.
base::Result<void> run_phase(crds::Phase phase, Situation& s);

// Of an object that is being deleted and has our finalizer.
base::Result<void> deleting(Situation& s);

// --- shared by phases ---
// Planned and Approved as they are once the plan is frozen.
void say_frozen(Situation& s);
// Expanded=True, and at most every ten seconds a look for drift.
base::Result<void> say_expanded(Situation& s);
crds::SwitchStatus& switch_status(Situation& s);
// The traffic is on blue again, or about to be: no second switch by itself.
void say_bake_failed(Situation& s, const std::string& why);

}  // namespace lockkeeper::reconcile
