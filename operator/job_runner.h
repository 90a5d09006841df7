// The threads of jobs that outlast a reconcile: one each, at most one per Migration. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "dbcore/base/mutex.h"
#include "reconciler/runner.h"

namespace lockkeeper::app {

class JobRunner final : public reconcile::Runner {
 public:
  // wake is called from a job's thread when it has ended. Every job stops with root's stop token.
  JobRunner(base::Context root, std::function<void(const reconcile::Key&)> wake);
  ~JobRunner() override { stop(); }
  // Stops all jobs and waits for them.
  void stop();
  JobRunner(const JobRunner&) = delete;
  JobRunner& operator=(const JobRunner&) = delete;

  bool start(const reconcile::JobKey& key, Job job) override;
  [[nodiscard]] std::optional<reconcile::JobView> poll(const std::string& uid) const override;
  void cancel(const std::string& uid) override;
  void cancel_at_next_step(const std::string& uid) override;
  void forget(const std::string& uid) override;

 private:
  struct Running;
  void work(Running& running, const Job& job);

  const base::Context root_;
  const std::function<void(const reconcile::Key&)> wake_;
  mutable base::Mutex mutex_;
  std::map<std::string, std::shared_ptr<Running>> jobs_ LK_GUARDED_BY(mutex_);
};

}  // namespace lockkeeper::app
