// Whether a server may be worked on, judged by what a look at it found. Pure.
#pragma once

#include "crds/database.h"
#include "reconciler/gates/gate.h"
#include "reconciler/pools.h"

namespace lockkeeper::reconcile {

// The first objection, in the order of the list in the .cc.
Verdict judge_server(const ServerFacts& facts, const crds::DatabaseSpec& spec);

// Of an error that connecting, looking or making the ledger gave.
crds::Reason connection_reason(const base::Error& error);

// "15.20" of 150020.
std::string version_text(int version_num);

}  // namespace lockkeeper::reconcile
