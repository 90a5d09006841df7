// What a running job shows to those who watch it. Thread-safe: the job writes, reconciles read.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "dbcore/backfill/backfill.h"
#include "dbcore/base/mutex.h"
#include "dbcore/execute/blockers.h"

namespace lockkeeper::execute {

struct ProgressView {
  std::string step;  // id of the current step; empty before the first
  int steps_done = 0;
  int steps_total = 0;
  std::string activity;    // "building index users_plan", "waiting for a lock on users"
  int attempts = 0;        // of the current step
  std::string last_error;  // of the last try that will be tried again
  std::optional<backfill::Progress> backfill;
  std::vector<Blocker> blockers;  // at most 5
};

class Progress {
 public:
  [[nodiscard]] ProgressView read() const;
  void update(const std::function<void(ProgressView&)>& change);
  // Trips the source, in the job's own thread, when a step other than the present one is shown: so
  // a step that must not be cut is let end, and the next does nothing.
  void stop_at_next_step(std::stop_source source);

 private:
  mutable base::Mutex mutex_;
  ProgressView view_ LK_GUARDED_BY(mutex_);
  std::optional<std::stop_source> at_next_step_ LK_GUARDED_BY(mutex_);
};

}  // namespace lockkeeper::execute
