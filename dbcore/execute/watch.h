// Looks on, from a session of its own, while the job's session waits or builds: what it does and
// who stands in its way goes into the progress that others read. Ends with the object.
#pragma once

#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <thread>

#include "dbcore/execute/job.h"

namespace lockkeeper::execute {

class Watch {
 public:
  struct Options {
    int pid = 0;                          // the backend that works
    std::chrono::milliseconds first{40};  // nothing is asked of a wait shorter than this
    std::chrono::milliseconds interval{50};
    bool build = false;    // follow pg_stat_progress_create_index as well
    std::string activity;  // what the job does, for people
    // Called when the backend is gone or idle though its answer has not come: the connection is
    // dead and nobody said so.
    std::function<void()> lost = nullptr;
  };
  Watch(const base::Context& ctx, Job& job, Options options);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  void run(const std::stop_token& stop);
  base::Result<void> look(const base::Context& ctx);
  void publish(std::vector<Blocker> blockers, const std::string& activity);
  base::Result<std::string> build_activity(const base::Context& ctx, sql::Session& session) const;
  base::Result<void> check_alive(const base::Context& ctx, sql::Session& session);

  base::Context ctx_;
  Job& job_;
  Options options_;
  std::map<int, base::Clock::Steady> first_seen_;
  base::Clock::Steady alive_at_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace lockkeeper::execute
