// Steps that move or read rows: backfill and verify.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <stop_token>
#include <thread>

#include "dbcore/backfill/verify.h"
#include "dbcore/execute/actions.h"
#include "dbcore/execute/facts.h"

namespace lockkeeper::execute {
namespace {

using base::Context;
using base::Result;
using namespace std::chrono_literals;

constexpr auto drift_interval = 2s;

backfill::Report report_to(Job& job) {
  return [&job](const backfill::Progress& done) {
    job.progress().update([&](ProgressView& view) { view.backfill = done; });
  };
}

// Stops a long run over the rows when the schema under it changes: a router that is gone fills
// nothing, and the longer that goes unseen, the more has to be repaired.
class DriftGuard {
 public:
  DriftGuard(const Context& ctx, Job& job)
      : ctx_(ctx), job_(job), thread_([this](const std::stop_token& stop) { run(stop); }) {}

  [[nodiscard]] Context context() const { return ctx_.with_stop(stop_.get_token()); }
  // The difference, if that is what stopped the run.
  std::string finish() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    return difference_;
  }

 private:
  void run(const std::stop_token& ended) {
    const std::stop_callback stopped(ctx_.stop(), [this] { stop_.request_stop(); });
    const Context looking({}, ctx_.clock(), ctx_.log());
    while (ctx_.clock().sleep(drift_interval, ended)) {
      auto found = look(looking.with_timeout(10s));
      if (!found || found->empty()) continue;
      difference_ = *found;
      stop_.request_stop();
      return;
    }
  }

  Result<std::string> look(const Context& ctx) {
    TRY(auto* const session, job_.onlooker(ctx));
    return difference(ctx, *session, job_.record());
  }

  Context ctx_;
  Job& job_;
  std::stop_source stop_;
  std::string difference_;
  std::jthread thread_;
};

// Runs `work` under the guard: what it says, unless the guard has something worse to say.
template <typename Work>
auto guarded(const Context& ctx, Job& job, const Work& work) -> decltype(work(ctx)) {
  if (ctx.stop().stop_requested()) return base::cancelled("stopped on request");
  DriftGuard guard(ctx, job);
  auto done = work(guard.context());
  const auto difference = guard.finish();
  if (!difference.empty()) return drift_error(difference);
  return done;
}

const plan::Backfill* backfill_of(const plan::Plan& plan, const plan::Verify& verify) {
  const auto found = std::ranges::find_if(plan.steps, [&](const plan::Step& step) {
    return step.backfill && step.backfill->routed && step.backfill->table.oid == verify.table.oid;
  });
  return found == plan.steps.end() ? nullptr : &*found->backfill;
}

std::string samples(const backfill::Verified& seen) {
  std::string keys;
  for (const auto& key : seen.sample_keys) keys += (keys.empty() ? "" : "; ") + key;
  return keys;
}

base::Error verify_failed(const plan::Step& step, const backfill::Verified& seen) {
  return base::precondition(fmt::format("{} rows of {} differ between the versions",
                                        seen.mismatches + seen.pending, step.verify->table.name))
      .with_reason("VerifyFailed")
      .with_detail(samples(seen))
      .with_hint("up and down must lead to the same row; correct the rows, or roll back");
}

// Whoever looks for the write that a repair replaced finds its row in the ledger.
Result<void> note_repair(const Context& ctx, Job& job, const plan::Step& step, std::int64_t rows,
                         const std::string& keys) {
  ctx.log().warn("rows were sent through the router once more",
                 {{"step", step.id}, {"rows", rows}, {"keys", keys}});
  TRY(auto* const session, job.session(ctx));
  TRY(auto transaction, begin_fenced(ctx, *session, job.fence()));
  TRY_OK(
      journal::append_event(ctx, *session, job.fence(), "Repaired",
                            fmt::format("{} rows of {}: {}", rows, step.verify->table.name, keys)));
  return transaction.commit(ctx);
}

// Wrong or unfilled rows are sent through the router once more before anybody is bothered.
Result<void> verify_and_repair(const Context& ctx, Job& job, const plan::Step& step) {
  const auto& tuning = job.settings().backfill;
  const auto report = report_to(job);
  TRY(auto seen, backfill::verify(ctx, job.pool(), *step.verify, tuning, report));
  if (seen.mismatches == 0 && seen.pending == 0) return {};
  const auto* const fill = backfill_of(job.record().plan, *step.verify);
  if (fill == nullptr) return verify_failed(step, seen);
  TRY(const auto repaired, backfill::repair(ctx, job.pool(), job.fence(), *step.verify, *fill));
  TRY_OK(note_repair(ctx, job, step, repaired, samples(seen)));
  TRY(seen, backfill::verify(ctx, job.pool(), *step.verify, tuning, report));
  if (seen.mismatches == 0 && seen.pending == 0) return {};
  return verify_failed(step, seen);
}

}  // namespace

Result<void> run_backfill(const Context& ctx, Job& job, const plan::Step& step) {
  TRY_OK(write_intent(ctx, job, step));
  job.show(step.summary);
  TRY_OK(guarded(ctx, job, [&](const Context& running) {
    return backfill::run(running, job.pool(), job.fence(), step.id, *step.backfill,
                         job.settings().backfill, report_to(job));
  }));
  job.tell(step.id, "filled");
  return write_result(ctx, job, {.step = &step});
}

Result<void> run_verify(const Context& ctx, Job& job, const plan::Step& step) {
  TRY_OK(write_intent(ctx, job, step));
  TRY_OK(verify_again(ctx, job, step));
  job.tell(step.id, "verified");
  return write_result(ctx, job, {.step = &step});
}

Result<void> verify_again(const Context& ctx, Job& job, const plan::Step& step) {
  TRY_OK(expect_no_drift(ctx, job));
  job.show(step.summary);
  return guarded(ctx, job,
                 [&](const Context& running) { return verify_and_repair(running, job, step); });
}

}  // namespace lockkeeper::execute
