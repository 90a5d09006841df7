// Jobs of a Migration: started when a phase says so, their end taken in, their progress put into
// the status.
#pragma once

#include "reconciler/situation.h"

namespace lockkeeper::reconcile {

// Looks for the Migration's job: what ended is remembered (as failure, or as nothing), what runs is
// in s.job and its progress in memory.
void take_in_job(Situation& s);

// Whether a new job of this kind may start now: no failure, or its pause is over.
bool may_start(const Situation& s, JobKind kind);
// Takes over the record first when this process does not own its epoch yet.
void start_job(Situation& s, JobKind kind);
// Asks the running job to end; when it is in a step whose work would be thrown away (an index
// build), before the next one.
void pause_job(Situation& s);
// The job runs under other numbers than the spec now has.
bool tuning_changed(const Situation& s);

// Steps, backfill and blockers as status fields, from the record and the last progress.
void show_progress(Situation& s);
// The same when nothing of it is left to be done; after show_progress.
void show_all_done(Situation& s);
// What the job does, for people, and why it does not get on (reason healthy: it does).
Verdict describe_progress(const Situation& s, const std::string& otherwise);
// The phase that is printed while expand goes on.
crds::Phase expanding_phase(const Situation& s);

}  // namespace lockkeeper::reconcile
