#include "operator/cli/local_run.h"

#include "operator/cli/connect.h"
#include "reconciler/server_verdict.h"

namespace lockkeeper::cli {

using std::chrono::milliseconds;

namespace {

// How often progress is read while a job runs.
constexpr milliseconds shortest_look{5};
constexpr milliseconds longest_look{500};

// Somebody else was faster: look again; anything else is the end.
base::Result<milliseconds> again_after(const base::Error& error) {
  if (error.code == base::ErrorCode::conflict) return shortest_look;
  return error;
}

std::chrono::sys_seconds now_of(const base::Context& ctx) {
  return std::chrono::floor<std::chrono::seconds>(ctx.clock().wall());
}

}  // namespace

// Rings when a job ends.
class LocalRun::Alarm {
 public:
  void ring() {
    {
      const base::Lock lock(mutex_);
      rung_ = true;
    }
    changed_.notify_all();
  }

  void wait(const std::stop_token& stop, milliseconds longest) {
    base::Lock lock(mutex_);
    const auto until = std::chrono::steady_clock::now() + longest;
    while (!rung_ && !stop.stop_requested()) {
      if (changed_.wait_until(lock, until) == std::cv_status::timeout) break;
    }
    rung_ = false;
  }

 private:
  base::Mutex mutex_;
  std::condition_variable_any changed_;
  bool rung_ LK_GUARDED_BY(mutex_) = false;
};

LocalRun::LocalRun(const base::Context& ctx, std::vector<crds::Migration> migrations,
                   const DatabaseOptions& options)
    : ctx_(ctx),
      cluster_(std::move(migrations), options.schema, options.allow_superuser, now_of(ctx)),
      alarm_(std::make_unique<Alarm>()),
      runner_(ctx, [this](const reconcile::Key&) { alarm_->ring(); }) {}

LocalRun::~LocalRun() {
  runner_.stop();
}

base::Result<void> LocalRun::open(const DatabaseOptions& options) {
  TRY(const sql::Endpoint endpoint, endpoint_of(options));
  for (const auto& [key, database] : cluster_.databases()) {
    TRY_OK(prepare(key, *database, endpoint));
  }
  return base::ok();
}

base::Result<void> LocalRun::prepare(const reconcile::Key& key, const crds::Database& database,
                                     const sql::Endpoint& endpoint) {
  const auto pool = pools_.configure(key, database.metadata.uid, endpoint, pool_options());
  TRY(const auto facts, reconcile::inspect_server(ctx_, *pool));
  const reconcile::Verdict verdict = reconcile::judge_server(facts, database.spec);
  if (!verdict.open) {
    return base::precondition(verdict.message).with_reason(std::string(to_string(verdict.reason)));
  }
  TRY_OK(reconcile::install_ledger(ctx_, *pool));
  pools_.remember(key, facts);
  return base::ok();
}

base::Result<milliseconds> LocalRun::look(const reconcile::Key& key) {
  const reconcile::World world{.ctx = ctx_,
                               .cluster = cluster_,
                               .pools = pools_,
                               .runner = runner_,
                               .http = probe_,
                               .runtime_dir = std::filesystem::temp_directory_path()};
  const auto outcome = reconciler_.reconcile(world, key);
  if (!outcome.ok()) return again_after(outcome.error());
  const auto written = cluster_.carry_out(key, *outcome);
  if (!written.ok()) return again_after(written.error());
  return outcome->requeue_after.value_or(longest_look);
}

base::Result<Judgement> LocalRun::drive(const reconcile::Key& key, const Judge& judge,
                                        milliseconds wait, const Watch& watch) {
  std::optional<base::Clock::Steady> waiting_since;
  while (true) {
    TRY(const milliseconds next_look, look(key));
    watch(cluster_.at(key));
    const Judgement judgement = judge(cluster_.at(key));
    if (judgement.ending != Ending::waiting) waiting_since.reset();
    if (judgement.ending == Ending::waiting && !waiting_since) waiting_since = ctx_.clock().now();
    const bool patient = judgement.ending == Ending::waiting && !judgement.at_once &&
                         ctx_.clock().now() - *waiting_since < wait;
    if (judgement.ending != Ending::going && !patient) return judgement;
    TRY_OK(ctx_.check());
    alarm_->wait(ctx_.stop(), std::clamp(next_look, shortest_look, longest_look));
  }
}

}  // namespace lockkeeper::cli
