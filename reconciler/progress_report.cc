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

seconds unit_of(seconds value) {
  constexpr seconds fine{60};
  return value < fine ? seconds(5) : seconds(30);
}

seconds rounded(seconds value) {
  return value - value % unit_of(value);
}

// What is still to be waited for is never said to be nothing.
seconds rounded_up(seconds value) {
  const seconds unit = unit_of(value);
  return std::max(unit, rounded(value + unit - seconds(1)));
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
  const plan::Step* step = current_step(s);
  std::string text =
      fmt::format("{}{}: {} of {} rows", step != nullptr && step->verify ? "comparing " : "",
                  table_of(step), status.rows_done, status.rows_total);
  if (status.rows_per_second > 0) text += fmt::format(", {} rows/s", status.rows_per_second);
  if (progress.remaining) {
    text += fmt::format(", done in about {}s", rounded_up(*progress.remaining).count());
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
  holders.reserve(s.status.blockers.size());
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

// Nothing is left to be filled: the last sample of a job is not the last row.
void show_filled(Situation& s) {
  crds::BackfillStatus& filled = *s.status.backfill;
  filled.rows_total = std::max(filled.rows_total, filled.rows_done);
  filled.rows_done = filled.rows_total;
  filled.percent = all;
  filled.rows_per_second = 0;
  filled.estimated_end.reset();
  s.status.progress = "100%";
}

}  // namespace

void show_progress(Situation& s) {
  if (!s.record) return;
  show_steps(s);
  show_blockers(s);
  const auto& rows = s.memory.progress.backfill;
  const plan::Step* step = current_step(s);
  // Verifying counts rows too, but those are not the ones that were filled.
  const bool fills = s.job && s.job->key.kind == JobKind::expand && step != nullptr;
  if (fills && step->backfill && rows) {
    s.status.backfill = backfill_status(*rows, s.now());
    s.status.progress = fmt::format("{}%", s.status.backfill->percent);
  } else if (fills && !step->backfill && s.status.backfill) {
    show_filled(s);
  } else if (s.status.backfill) {
    s.status.backfill->estimated_end.reset();
    s.status.backfill->rows_per_second = 0;
  }
}

void show_all_done(Situation& s) {
  s.status.steps->current.clear();
  if (s.status.backfill) show_filled(s);
  s.status.progress = "100%";
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
