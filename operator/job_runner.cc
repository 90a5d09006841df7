#include "operator/job_runner.h"

#include <optional>
#include <utility>

namespace lockkeeper::app {

struct JobRunner::Running {
  explicit Running(reconcile::JobKey job_key) : key(std::move(job_key)) {}

  const reconcile::JobKey key;
  execute::Progress progress;
  std::stop_source stop;
  mutable base::Mutex mutex;
  std::optional<base::Result<execute::Record>> result LK_GUARDED_BY(mutex);
  std::jthread thread;  // last: joined before the rest goes

  [[nodiscard]] bool running() const {
    const base::Lock lock(mutex);
    return !result.has_value();
  }
};

JobRunner::JobRunner(base::Context root, std::function<void(const reconcile::Key&)> wake)
    : root_(std::move(root)), wake_(std::move(wake)) {}

void JobRunner::stop() {
  std::map<std::string, std::shared_ptr<Running>> jobs;
  {
    const base::Lock lock(mutex_);
    jobs.swap(jobs_);
  }
  for (const auto& [uid, job] : jobs) job->stop.request_stop();
  for (const auto& [uid, job] : jobs) job->thread.join();
}

bool JobRunner::start(const reconcile::JobKey& key, Job job) {
  const base::Lock lock(mutex_);
  if (jobs_.contains(key.uid)) return false;
  auto running = std::make_shared<Running>(key);
  jobs_.emplace(key.uid, running);
  // By reference: whoever drops the last owner joins the thread, so it must not be the thread.
  running->thread =
      std::jthread([this, &own = *running, work_to_do = std::move(job)] { work(own, work_to_do); });
  return true;
}

void JobRunner::work(Running& running, const Job& job) {
  const std::stop_callback follow_root(root_.stop(), [&] { running.stop.request_stop(); });
  const base::Context ctx = root_.with_stop(running.stop.get_token())
                                .with_log("migration", running.key.wake.text())
                                .with_log("job", reconcile::to_string(running.key.kind));
  auto result = job(ctx, running.progress);
  if (!result.ok() && result.error().code != base::ErrorCode::cancelled) {
    ctx.log().warn("job ended with an error", {{"error", result.error().text()}});
  }
  {
    const base::Lock lock(running.mutex);
    running.result.emplace(std::move(result));
  }
  wake_(running.key.wake);
}

std::optional<reconcile::JobView> JobRunner::poll(const std::string& uid) const {
  std::shared_ptr<Running> job;
  {
    const base::Lock lock(mutex_);
    const auto found = jobs_.find(uid);
    if (found == jobs_.end()) return std::nullopt;
    job = found->second;
  }
  reconcile::JobView view;
  view.key = job->key;
  view.progress = job->progress.read();
  const base::Lock lock(job->mutex);
  view.running = !job->result.has_value();
  view.cancelling = view.running && job->stop.stop_requested();
  view.result = job->result;
  return view;
}

void JobRunner::cancel(const std::string& uid) {
  const base::Lock lock(mutex_);
  if (const auto found = jobs_.find(uid); found != jobs_.end()) found->second->stop.request_stop();
}

void JobRunner::cancel_at_next_step(const std::string& uid) {
  const base::Lock lock(mutex_);
  if (const auto found = jobs_.find(uid); found != jobs_.end()) {
    found->second->progress.stop_at_next_step(found->second->stop);
  }
}

void JobRunner::forget(const std::string& uid) {
  std::shared_ptr<Running> finished;  // its thread is joined outside the lock
  const base::Lock lock(mutex_);
  const auto found = jobs_.find(uid);
  if (found == jobs_.end() || found->second->running()) return;
  finished = std::move(found->second);
  jobs_.erase(found);
}

}  // namespace lockkeeper::app
