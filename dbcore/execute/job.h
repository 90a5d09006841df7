// One Migration being worked on by one thread: its record, its fence, its session, and what those
// who watch it see. Not thread-safe but for progress().
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "dbcore/backfill/throttle.h"
#include "dbcore/execute/journal.h"
#include "dbcore/execute/lives.h"
#include "dbcore/execute/lock_protocol.h"
#include "dbcore/execute/progress.h"
#include "dbcore/sql/pool.h"

namespace lockkeeper::execute {

struct JobSettings {
  backfill::Tuning backfill;
  std::chrono::milliseconds lock_timeout{500};  // total of blocking requests per attempt
  std::chrono::milliseconds query_timeout{30'000};
  // Told before and after whatever changes the database ("expand-users: committed"). For tests that
  // stop a process at an exact point; empty otherwise.
  std::function<void(std::string_view)> observer;
};

class Job {
 public:
  Job(sql::Pool& pool, Record record, JobSettings settings, Progress& progress);

  // The session that changes things; leased at first use and again after it broke.
  base::Result<sql::Session*> session(const base::Context& ctx);
  // A second one, to look on while the first one waits; used by one thread at a time.
  base::Result<sql::Session*> onlooker(const base::Context& ctx);
  // Back to the pool, which gives it its settings back.
  void give_back_session() { session_.reset(); }

  // After an error that may come from a lost session: connects again, makes sure that nothing of
  // ours still acts on the server (a new epoch), and reads what the ledger says. Does nothing when
  // the session is sound.
  base::Result<void> recover(const base::Context& ctx);
  // The ledger's word on a record that the caller read some time ago: the same epoch, or a newer
  // one that this very process took. precondition Fenced otherwise.
  base::Result<void> refresh(const base::Context& ctx);

  [[nodiscard]] Record& record() { return record_; }
  [[nodiscard]] const Fence& fence() const { return fence_; }
  [[nodiscard]] sql::Pool& pool() { return *pool_; }
  [[nodiscard]] Progress& progress() { return *progress_; }
  [[nodiscard]] const JobSettings& settings() const { return settings_; }
  [[nodiscard]] std::chrono::milliseconds deadlock_timeout() const { return deadlock_timeout_; }
  // The budget of blocking requests: lock_timeout, but never so long that a client which waits for
  // us reaches its deadlock check.
  [[nodiscard]] std::chrono::milliseconds lock_budget() const;
  // What the steps so far have learned about those who hold our tables.
  [[nodiscard]] Lives& lives() { return lives_; }
  [[nodiscard]] Asking::Reader& reader() { return reader_; }
  void tell(std::string_view step_id, std::string_view what) const;
  void show(const std::string& activity);

 private:
  base::Result<void> prepare(const base::Context& ctx);

  sql::Pool* pool_;
  Record record_;
  JobSettings settings_;
  Progress* progress_;
  Fence fence_;
  std::optional<sql::Lease> session_;
  std::optional<sql::Lease> onlooker_;
  std::chrono::milliseconds deadlock_timeout_{1000};
  Lives lives_;
  Asking::Reader reader_;
  bool renewal_due_ = false;  // a session was lost since the epoch was taken
};

// 'lockkeeper/<migration>/<step>' within the 63 bytes that the server keeps.
std::string application_name(std::string_view migration, std::string_view step);

}  // namespace lockkeeper::execute
