#include <fmt/format.h>

#include <algorithm>

#include "dbcore/execute/actions.h"
#include "dbcore/execute/facts.h"
#include "dbcore/execute/lock_protocol.h"
#include "dbcore/execute/watch.h"
#include "dbcore/sql/sqlstate.h"

namespace lockkeeper::execute {
namespace {

using base::Context;
using base::Result;
using namespace std::chrono_literals;

constexpr std::string_view effect_missing = "LKF03";
constexpr auto look_interval = 50ms;
constexpr auto note_interval = 10s;

std::string tables_of(const plan::Action& action) {
  std::string names;
  for (const auto& relation : action.locks) {
    names += (names.empty() ? "" : ", ") + relation.name;
  }
  return names;
}

std::vector<std::uint32_t> oids_of(const plan::Action& action) {
  std::vector<std::uint32_t> oids;
  for (const auto& relation : action.locks) oids.push_back(relation.oid);
  return oids;
}

// One transaction action from its first ask to its commit.
class TransactionRun {
 public:
  TransactionRun(const Context& ctx, Job& job, const Task& task)
      : ctx_(ctx),
        job_(job),
        task_(task),
        asking_(job.lock_budget(), ctx.clock().now()),
        started_(ctx.clock().now()),
        noted_(started_) {
    asking_.expect(job.reader());
  }

  Result<void> run() {
    while (true) {
      TRY_OK(ctx_.check());
      if (tries_ > 0) TRY_OK(wait_for_a_good_moment());
      TRY(auto* const session, job_.session(ctx_));
      const auto length = asking_.length(ctx_.clock().now());
      auto done = try_once(*session, length);
      job_.reader() = asking_.followed();
      if (done) return {};
      if (!worth_another_try(done.error())) return std::move(done).error();
      TRY_OK(note_failure(done.error(), length));
    }
  }

 private:
  Result<void> try_once(sql::Session& session, std::chrono::milliseconds length) {
    ++tries_;
    Attempt plan = attempt_of(length);
    auto rows = [&]() -> Result<sql::Rows> {
      const Watch watch(ctx_, job_, {.pid = session.backend_pid(), .activity = waiting()});
      return attempt(ctx_, session, plan);
    }();
    if (!rows && found_done_) return write_result(ctx_, job_, task_);
    if (!rows && moved_) return reconcile();
    if (!rows) return diagnosed(ctx_, job_, *task_.step, explain(std::move(rows).error()));
    job_.tell(task_.step->id, "committed");
    note_result(job_, task_, (*rows)[0].text(0));
    return {};
  }

  // The signature moved: a change that is no fact is taken over and the try repeated.
  Result<void> reconcile() {
    moved_ = false;
    TRY_OK(expect_no_drift(ctx_, job_));
    TRY(auto* const session, job_.session(ctx_));
    return try_once(*session, asking_.length(ctx_.clock().now()));
  }

  Attempt attempt_of(std::chrono::milliseconds length) {
    const auto& step = *task_.step;
    Attempt plan;
    plan.fence = job_.fence();
    plan.application_name = application_name(job_.record().identity.name, step.id);
    plan.locks = task_.action->locks;
    plan.statements = task_.action->statements;
    plan.wait = length;
    plan.total = job_.lock_budget();
    plan.metadata = step.duration == plan::DurationClass::metadata || task_.undo();
    plan.statement = step.statement_timeout_ms < 0
                         ? job_.settings().query_timeout
                         : std::chrono::milliseconds(step.statement_timeout_ms);
    plan.deadlock_timeout = job_.deadlock_timeout();
    add_records(plan);
    add_questions(plan);
    plan.asked = [this] { job_.tell(task_.step->id, "asking"); };
    return plan;
  }

  void add_records(Attempt& plan) const {
    const auto& step = *task_.step;
    // The ledger's rows are not what the budget is for.
    plan.records.emplace_back(
        "SELECT pg_catalog.set_config('statement_timeout', '30s', true),"
        " pg_catalog.set_config('lock_timeout', '500ms', true)");
    if (!task_.undo() && !step.postcheck.empty()) {
      plan.records.emplace_back(sql::Fragment::trusted(
          fmt::format("SELECT lockkeeper.require(({}), '{}', 'the effect is missing')",
                      step.postcheck, effect_missing)));
    }
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(ctx_.clock().now() - started_);
    plan.records.push_back(journal::step_result(job_.fence(),
                                                {.step_id = step.id,
                                                 .status = task_.status,
                                                 .attempts = tries_ - noted_tries_,
                                                 .undo_actions = task_.undo_actions,
                                                 .took = took},
                                                job_.record().relations()));
  }

  void add_questions(Attempt& plan) {
    const auto& step = *task_.step;
    const auto relations = job_.record().relations();
    std::vector<std::string> oids;
    oids.reserve(relations.size());
    for (const auto oid : relations) oids.push_back(std::to_string(oid));
    plan.questions.emplace_back("SELECT lockkeeper.signature($1::oid[])");
    plan.questions.back().bind(oids);
    plan.questions.push_back(holders_question(oids_of(*task_.action), mode()));
    if (!task_.undo() && !step.precheck.empty()) {
      precheck_ = plan.questions.size();
      plan.questions.emplace_back(sql::Fragment::trusted(step.precheck));
    }
    if (reentered()) {
      postcheck_ = plan.questions.size();
      plan.questions.emplace_back(sql::Fragment::trusted(step.postcheck));
    }
    plan.judge = [this](std::span<const sql::Rows> answers) { return judge(answers); };
  }

  // Somebody may have done it before us only if somebody tried.
  [[nodiscard]] bool reentered() const {
    const auto* const row = job_.record().step(task_.step->id);
    return !task_.undo() && !task_.step->postcheck.empty() && row != nullptr && row->attempts > 0;
  }

  Result<void> judge(std::span<const sql::Rows> answers) {
    if (postcheck_ != 0 && !answers[postcheck_].empty() && answers[postcheck_][0].boolean(0)) {
      found_done_ = true;
      return base::conflict("the step's effect is there already");
    }
    if (!task_.undo() && answers[0][0].text(0) != job_.record().signature) {
      moved_ = true;
      return base::conflict("the schema moved");
    }
    if (precheck_ != 0 && (answers[precheck_].empty() || !answers[precheck_][0].boolean(0))) {
      return base::precondition(fmt::format("step {} cannot begin yet", task_.step->id))
          .with_reason("Precheck")
          .with_detail(task_.step->precheck);
    }
    return look_before_asking(read_holders(answers[1]));
  }

  Result<void> look_before_asking(std::vector<Blocker> there) {
    const bool old =
        std::ranges::any_of(there, [](const Blocker& holder) { return holder.query_age >= 1s; });
    if (tries_ > 1 || !old) return {};
    publish(std::move(there));
    auto held = base::unavailable("the table is held by others");
    held.sqlstate = sql::sqlstate::lock_not_available;
    return held;
  }

  // Between asks: looks at who is there, and comes back when it is worth asking, or time to.
  Result<void> wait_for_a_good_moment() {
    TRY(auto* const session, job_.session(ctx_));
    job_.show(waiting());
    while (true) {
      TRY(auto there, holders(ctx_, *session, oids_of(*task_.action), mode()));
      job_.lives().complete(there, ctx_.clock().now());
      const bool due = asking_.due(ctx_.clock().now(), there);
      publish(std::move(there));
      if (due) return {};
      TRY_OK(ctx_.sleep(look_interval));
    }
  }

  void publish(std::vector<Blocker> there) {
    if (there.empty()) return;
    if (there.size() > 5) there.resize(5);
    const auto now = ctx_.clock().now();
    for (auto& blocker : there) {
      const auto seen = first_seen_.try_emplace(blocker.pid, now).first->second;
      if (blocker.age_at_least) {
        blocker.query_age = std::chrono::duration_cast<std::chrono::seconds>(now - seen);
      }
    }
    job_.progress().update([&](ProgressView& view) { view.blockers = std::move(there); });
  }

  [[nodiscard]] bool worth_another_try(const base::Error& error) const {
    if (ctx_.stop().stop_requested() || !blocked(error)) return false;
    // A statement that ran into its own limit, not into ours, would do so again.
    const bool own_limit = error.sqlstate == sql::sqlstate::query_canceled;
    return !own_limit || task_.step->duration == plan::DurationClass::metadata;
  }

  Result<void> note_failure(const base::Error& error, std::chrono::milliseconds length) {
    const auto now = ctx_.clock().now();
    asking_.failed(now, length);
    job_.progress().update([&](ProgressView& view) {
      ++view.attempts;
      view.last_error = error.message;
    });
    // Not at every try: there may be two a second, for hours.
    if (task_.undo() || (noted_tries_ > 0 && now - noted_ < note_interval)) return {};
    TRY(auto* const session, job_.session(ctx_));
    TRY(auto transaction, begin_fenced(ctx_, *session, job_.fence()));
    TRY_OK(journal::set_step(ctx_, *session, job_.fence(), task_.step->id, StepStatus::running,
                             error.text()));
    TRY_OK(transaction.commit(ctx_));
    noted_ = now;
    noted_tries_ = tries_;
    return {};
  }

  [[nodiscard]] base::Error explain(base::Error error) const {
    if (error.sqlstate != effect_missing) return error;
    return base::internal(fmt::format("step {} ran, but its effect is not there", task_.step->id))
        .with_detail(task_.step->postcheck);
  }

  [[nodiscard]] std::string_view mode() const { return plan::to_string(task_.action->lock); }
  [[nodiscard]] std::string waiting() const {
    return fmt::format("waiting for a lock on {}", tables_of(*task_.action));
  }

  const Context& ctx_;
  Job& job_;
  const Task& task_;
  Asking asking_;
  base::Clock::Steady started_;
  base::Clock::Steady noted_;
  int tries_ = 0;
  int noted_tries_ = 0;
  std::size_t precheck_ = 0;  // position of its answer; 0: not asked
  std::size_t postcheck_ = 0;
  bool found_done_ = false;
  bool moved_ = false;
  std::map<int, base::Clock::Steady> first_seen_;
};

}  // namespace

Result<void> run_transaction(const Context& ctx, Job& job, const Task& task) {
  if (!task.undo()) TRY_OK(expect_no_bad_rows(ctx, job, *task.step));
  return TransactionRun(ctx, job, task).run();
}

}  // namespace lockkeeper::execute
