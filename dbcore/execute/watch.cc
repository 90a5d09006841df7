#include "dbcore/execute/watch.h"

#include <fmt/format.h>

#include <utility>

namespace lockkeeper::execute {
namespace {

using base::Context;
using base::Result;
using namespace std::chrono_literals;

constexpr auto look_limit = 2s;
// A backend that does nothing for so long while we wait for its answer will not give one.
constexpr auto silence = 10s;

}  // namespace

Watch::Watch(const Context& ctx, Job& job, Options options)
    : ctx_(ctx),
      job_(job),
      options_(std::move(options)),
      alive_at_(ctx.clock().now()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Watch::~Watch() {
  thread_.request_stop();
  thread_.join();
  job_.progress().update([](ProgressView& view) { view.blockers.clear(); });
}

void Watch::run(const std::stop_token& stop) {
  const auto& clock = ctx_.clock();
  // A look is never cut short: a cancelled session would have to be connected anew.
  const Context looking({}, clock, ctx_.log());
  auto pause = options_.first;
  while (clock.sleep(pause, stop)) {
    if (auto looked = look(looking.with_timeout(look_limit)); !looked) {
      ctx_.log().debug("cannot look on", {{"error", looked.error().text()}});
    }
    pause = options_.interval;
  }
}

Result<void> Watch::look(const Context& ctx) {
  TRY(auto* const session, job_.onlooker(ctx));
  TRY(auto blockers, blockers_of(ctx, *session, options_.pid));
  std::string activity = options_.activity;
  if (options_.build) {
    TRY(const auto building, build_activity(ctx, *session));
    if (!building.empty()) activity = building;
  }
  if (options_.lost) TRY_OK(check_alive(ctx, *session));
  publish(std::move(blockers), activity);
  return {};
}

void Watch::publish(std::vector<Blocker> blockers, const std::string& activity) {
  const auto now = ctx_.clock().now();
  for (auto& blocker : blockers) {
    const auto seen = first_seen_.try_emplace(blocker.pid, now).first->second;
    if (blocker.age_at_least) {
      blocker.query_age = std::chrono::duration_cast<std::chrono::seconds>(now - seen);
    }
  }
  job_.progress().update([&](ProgressView& view) {
    // Afterwards nobody blocks any more: the last answer is kept until the wait has ended.
    if (!blockers.empty()) view.blockers = std::move(blockers);
    if (!activity.empty()) view.activity = activity;
  });
}

Result<std::string> Watch::build_activity(const Context& ctx, sql::Session& session) const {
  sql::Statement ask(
      "SELECT phase, CASE WHEN blocks_total > 0 THEN 100 * blocks_done / blocks_total"
      "  WHEN tuples_total > 0 THEN 100 * tuples_done / tuples_total"
      "  WHEN lockers_total > 0 THEN 100 * lockers_done / lockers_total END"
      " FROM pg_catalog.pg_stat_progress_create_index WHERE pid = $1::int");
  ask.bind(options_.pid);
  TRY(const auto rows, session.execute(ctx, ask));
  if (rows.empty()) return std::string();
  const auto row = rows[0];
  if (row.is_null(1)) return fmt::format("{}: {}", options_.activity, row.view(0));
  return fmt::format("{}: {}, {}%", options_.activity, row.view(0), row.integer(1));
}

Result<void> Watch::check_alive(const Context& ctx, sql::Session& session) {
  sql::Statement ask(
      "SELECT coalesce(state NOT LIKE 'idle%', true) FROM pg_catalog.pg_stat_activity"
      " WHERE pid = $1::int");
  ask.bind(options_.pid);
  TRY(const bool alive, session.ask(ctx, ask));
  const auto now = ctx_.clock().now();
  if (alive) {
    alive_at_ = now;
  } else if (now - alive_at_ >= silence) {
    options_.lost();
  }
  return {};
}

}  // namespace lockkeeper::execute
