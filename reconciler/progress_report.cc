// What a job does, put into status fields and into a sentence.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reconciler/jobs.h"

namespace lockkeeper::reconcile {
namespace {

using crds::Reason;
using std::chrono::seconds;

constexpr int all = 100;
constexpr std::size_t most_blockers = 5;
// A failure stays in sight while the next try has not lasted longer than this.
constexpr seconds retry_in_sight{5};

// Two significant digits: a status that only jitters is not written again.
std::int64_t rounded(double value) {
  if (value < 1) return 0;
  const double unit = std::pow(10.0, std::max(0.0, std::floor(std::log10(value)) - 1));
  return static_cast<std::int64_t>(std::llround(value / unit) * std::llround(unit));
}

seconds rounded(seconds value) {
  constexpr seconds fine{60};
  const seconds unit = value < fine ? seconds(5) : seconds(30);
  return value - value % unit;
}

int percent_of(std::int64_t done, std::int64_t total) {
  if (total <= 0) return 0;
  // Rows that are written meanwhile make the estimate too small.
  return static_cast<int>(std::clamp<std::int64_t>(done * all / total, 0, all - 1));
}

crds::BackfillStatus backfill_status(const backfill::Progress& progress,
                                     std::chrono::sys_seconds now) {
  crds::BackfillStatus status;
  status.rows_done = progress.rows_done;
  status.rows_total = std::max(progress.rows_total, progress.rows_done);
  status.percent = percent_of(progress.rows_done, progress.rows_total);
  status.rows_per_second = rounded(progress.rows_per_second);
  if (progress.remaining) {
    const auto end = now + *progress.remaining;
    status.estimated_end = end - (end.time_since_epoch() % seconds(10));
  }
  return status;
}

const plan::Step* current_step(const Situation& s) {
  if (!s.record) return nullptr;
  const auto& steps = s.record->plan.steps;
  const auto found = std::ranges::find(steps, s.memory.progress.step, &plan::Step::id);
  return found == steps.end() ? nullptr : &*found;
}

std::string table_of(const plan::Step* step) {
  if (step == nullptr) return "rows";
  if (step->backfill) return step->backfill->table.name;
  return step->verify ? step->verify->table.name : step->id;
}

std::string rows_text(const Situation& s, const backfill::Progress& progress) {
  const auto status = backfill_status(progress, s.now());
  std::string text = fmt::format("{}: {} of {} rows, {} rows/s", table_of(current_step(s)),
                                 status.rows_done, status.rows_total, status.rows_per_second);
  if (progress.remaining) {
    text += fmt::format(", done in about {}s", rounded(*progress.remaining).count());
  }
  if (!progress.throttled.empty()) text += "; " + progress.throttled;
  return text;
}

seconds age_of(Situation& s, const execute::Blocker& blocker) {
  if (!blocker.age_at_least) return rounded(blocker.query_age);
  const auto first = s.memory.blocked_since.try_emplace(blocker.pid, s.steady()).first->second;
  const auto seen = std::chrono::duration_cast<seconds>(s.steady() - first);
  return rounded(std::max(seen, blocker.query_age));
}

void show_blockers(Situation& s) {
  if (s.memory.progress.blockers.empty()) s.memory.blocked_since.clear();
  for (const execute::Blocker& blocker : s.memory.progress.blockers) {
    if (s.status.blockers.size() == most_blockers) return;
    const std::string age =
        fmt::format("{}{}s", blocker.age_at_least ? "at least " : "", age_of(s, blocker).count());
    s.status.blockers.push_back({blocker.pid, blocker.user, blocker.application_name, age});
  }
}

std::string blocker_text(const crds::BlockerStatus& blocker) {
  return fmt::format("pid {} (user {}, application {}, query age {})", blocker.pid, blocker.user,
                     blocker.application_name, blocker.query_age);
}

Verdict blocked_by_lock(const Situation& s) {
  std::vector<std::string> holders;
  for (const auto& blocker : s.status.blockers) holders.push_back(blocker_text(blocker));
  const auto& progress = s.memory.progress;
  return closed(Reason::lock_blocked,
                fmt::format("{} (attempt {}), held by {}; goes on by itself when it ends",
                            progress.activity.empty() ? "waiting for a lock" : progress.activity,
                            std::max(1, progress.attempts), fmt::join(holders, ", ")));
}

bool in_sight(const Situation& s, const Failure& failure) {
  if (s.memory.progress.steps_done > failure.steps_done) return false;
  return !s.job || s.steady() - s.memory.job_started < retry_in_sight;
}

Verdict failed(const Failure& failure) {
  Reason fallback = Reason::step_failed;
  if (failure.error.code == base::ErrorCode::unavailable) fallback = Reason::server_unavailable;
  if (failure.error.code == base::ErrorCode::internal) fallback = Reason::internal_error;
  if (failure.kind == JobKind::roll_back) fallback = Reason::rollback_failed;
  const std::string step = failure.step.empty() ? "" : fmt::format("step {}: ", failure.step);
  return closed(reason_of(failure.error, fallback),
                fmt::format("{}{}; tried again by itself", step, failure.error.text()));
}

void show_steps(Situation& s) {
  crds::StepsStatus steps;
  steps.total = static_cast<int>(s.record->plan.steps.size());
  steps.done = static_cast<int>(
      std::ranges::count(s.record->steps, execute::StepStatus::done, &execute::StepRecord::status));
  if (s.job && s.job->key.kind != JobKind::roll_back) {
    steps.done = std::max(steps.done, s.memory.progress.steps_done);
  }
  steps.done = std::min(steps.done, steps.total);
  steps.progress = fmt::format("{}/{}", steps.done, steps.total);
  if (s.job) steps.current = s.memory.progress.step;
  s.status.steps = steps;
}

}  // namespace

void show_progress(Situation& s) {
  if (!s.record) return;
  show_steps(s);
  show_blockers(s);
  const auto& backfill = s.memory.progress.backfill;
  if (s.job && backfill) {
    s.status.backfill = backfill_status(*backfill, s.now());
    s.status.progress = fmt::format("{}%", s.status.backfill->percent);
  } else if (s.status.backfill) {
    s.status.backfill->estimated_end.reset();
    s.status.backfill->rows_per_second = 0;
  }
}

Verdict describe_progress(const Situation& s, const std::string& otherwise) {
  const auto& progress = s.memory.progress;
  if (s.job && !s.status.blockers.empty()) return blocked_by_lock(s);
  if (s.memory.failure && in_sight(s, *s.memory.failure)) return failed(*s.memory.failure);
  Verdict verdict = open_gate();
  verdict.message = otherwise;
  if (!s.job) return verdict;
  if (progress.backfill) {
    verdict.message = rows_text(s, *progress.backfill);
  } else if (!progress.activity.empty()) {
    verdict.message = progress.activity;
  } else if (const plan::Step* step = current_step(s); step != nullptr) {
    verdict.message = step->summary;
  }
  if (!progress.last_error.empty()) verdict.message += "; last try: " + progress.last_error;
  return verdict;
}

crds::Phase expanding_phase(const Situation& s) {
  const plan::Step* step = current_step(s);
  return step == nullptr || step->stage == plan::Stage::expand ? crds::Phase::expanding
                                                               : crds::Phase::backfilling;
}

}  // namespace lockkeeper::reconcile
