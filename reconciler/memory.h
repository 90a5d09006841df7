// What a process remembers of a Migration between two reconciles, and may lose: everything that
// must survive stands in the ledger or in the status.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dbcore/base/mutex.h"
#include "dbcore/engine/engine.h"
#include "reconciler/outcome.h"
#include "reconciler/rollout.h"
#include "reconciler/runner.h"

namespace lockkeeper::reconcile {

// A job that ended badly, until one of its kind gets further.
struct Failure {
  JobKind kind = JobKind::expand;
  base::Error error;
  std::string step;    // that was current
  int steps_done = 0;  // when it failed
  base::Clock::Steady retry_at;
  int tries = 1;
};

// Of one item of spec.switch.checks, since the traffic was moved.
struct CheckRecord {
  base::Clock::Steady due{};
  bool passed = false;  // the last time
  int failures = 0;     // in a row
  std::string complaint;
};

struct Memory {
  std::string uid;
  std::shared_ptr<Rollout> rollout;  // that a running job uses
  // The epoch that this process runs under; 0: it has to take over first. Shared with the job.
  std::shared_ptr<std::atomic<std::int64_t>> epoch = std::make_shared<std::atomic<std::int64_t>>(0);
  // As the ledger had it last: what a reconcile goes by while a job runs.
  std::optional<execute::Record> record;
  std::optional<Failure> failure;
  execute::ProgressView progress;  // the last that a job showed
  engine::Tuning tuning;           // that the running job was given
  base::Clock::Steady job_started{};

  std::vector<std::string> planned_facts;  // of the plan that status.plan names
  std::string planned_request;             // what of the spec it was made from
  std::string written_plan;                // hash whose ConfigMap this process has written

  std::vector<CheckRecord> checks;
  int bare_looks = 0;  // at a switched Service behind which no green pod answers
  std::optional<base::Clock::Steady> proof_since;
  base::Clock::Steady drift_due{};
  std::optional<std::string> drift;
  std::map<int, base::Clock::Steady> blocked_since;

  // Nothing that a look at an object which waits before its first step would miss.
  [[nodiscard]] bool blank() const {
    return !record && !failure && planned_facts.empty() && written_plan.empty() && checks.empty();
  }
};

// By the Migration's key; one of another uid starts anew. Thread-safe; a Memory itself belongs to
// the reconcile of its key.
class Memories {
 public:
  Memory& of(const Key& key, const std::string& uid);
  // Thousands of objects that wait must not cost a Memory each.
  void drop_if_blank(const Key& key);
  // The uid of what was known there, or empty.
  std::string drop(const Key& key);

 private:
  base::Mutex mutex_;
  std::map<Key, std::unique_ptr<Memory>> memories_ LK_GUARDED_BY(mutex_);
};

}  // namespace lockkeeper::reconcile
