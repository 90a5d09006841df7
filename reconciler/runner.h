// Owns the threads of jobs that outlast a reconcile: expand, contract, rollback. A reconcile
// starts, polls and cancels; at most one job per Migration. Thread-safe.
//
// A job gets a context that lives as long as the process's root stop source and the job's own
// cancel, never the deadline of the reconcile that started it. When it ends its key is woken (added
// to the queue), so that nobody has to wait for the next poll.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "dbcore/base/context.h"
#include "dbcore/execute/journal.h"
#include "dbcore/execute/progress.h"
#include "reconciler/outcome.h"

namespace lockkeeper::reconcile {

enum class JobKind { expand, contract, roll_back };
std::string_view to_string(JobKind kind);  // "expand"

struct JobKey {
  std::string uid;  // of the Migration
  Key wake;         // added to the queue of Migrations when the job ends
  std::int64_t epoch = 0;
  JobKind kind = JobKind::expand;
};

struct JobView {
  JobKey key;
  bool running = false;
  bool cancelling = false;  // running, and cancel() was called
  execute::ProgressView progress;
  // Only when !running.
  std::optional<base::Result<execute::Record>> result;
};

class Runner {
 public:
  using Job =
      std::function<base::Result<execute::Record>(const base::Context&, execute::Progress&)>;

  virtual ~Runner() = default;
  // False when a job of this Migration runs or its result was not forgotten yet.
  virtual bool start(const JobKey& key, Job job) = 0;
  // Empty: there is no job of this Migration.
  [[nodiscard]] virtual std::optional<JobView> poll(const std::string& uid) const = 0;
  // Trips the job's stop token and returns at once. Nothing if there is none.
  virtual void cancel(const std::string& uid) = 0;
  // The same, but not before another step than the present one begins; that one does nothing.
  virtual void cancel_at_next_step(const std::string& uid) = 0;
  // Drops a finished job's result. Nothing if there is none, or if it runs.
  virtual void forget(const std::string& uid) = 0;
};

}  // namespace lockkeeper::reconcile
