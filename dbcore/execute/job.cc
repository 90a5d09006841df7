#include "dbcore/execute/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lockkeeper::execute {
namespace {

using base::Context;
using base::Result;
using namespace std::chrono_literals;

constexpr std::size_t name_bytes = 63;
constexpr std::size_t least_step_bytes = 24;

// At most `most` bytes, and no part of a character: the server refuses one.
std::string_view cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  return text.substr(0, most);
}

}  // namespace

std::string application_name(std::string_view migration, std::string_view step) {
  constexpr std::string_view prefix = "lockkeeper/";
  const auto room = name_bytes - prefix.size() - 1;
  if (migration.size() + step.size() > room) {
    migration.remove_prefix(std::min(migration.size(), migration.rfind('/') + 1));
  }
  const auto for_step =
      std::min(step.size(), std::max(least_step_bytes, room - std::min(room, migration.size())));
  return fmt::format("{}{}/{}", prefix, cut(migration, room - for_step), cut(step, for_step));
}

Job::Job(sql::Pool& pool, Record record, JobSettings settings, Progress& progress)
    : pool_(&pool),
      record_(std::move(record)),
      settings_(std::move(settings)),
      progress_(&progress) {}

Result<sql::Session*> Job::session(const Context& ctx) {
  if (session_ && (*session_)->broken()) {
    session_.reset();
    renewal_due_ = true;
  }
  if (!session_) {
    TRY(auto lease, pool_->acquire(ctx));
    session_.emplace(std::move(lease));
    TRY_OK(prepare(ctx));
  }
  return &**session_;
}

Result<void> Job::prepare(const Context& ctx) {
  sql::Statement ask(
      "SELECT pg_catalog.current_database(), pg_catalog.set_config('application_name', $1, false),"
      " (extract(epoch FROM pg_catalog.current_setting('deadlock_timeout')::interval) * "
      "1000)::int");
  ask.bind(application_name(record_.identity.name, "control"));
  auto rows = (*session_)->execute(ctx, ask);
  if (!rows) {
    session_.reset();
    return std::move(rows).error();
  }
  if (fence_.epoch == 0) fence_ = record_.fence((*rows)[0].text(0));
  deadlock_timeout_ = std::chrono::milliseconds((*rows)[0].integer(2));
  return {};
}

Result<sql::Session*> Job::onlooker(const Context& ctx) {
  if (onlooker_ && (*onlooker_)->broken()) onlooker_.reset();
  if (!onlooker_) {
    TRY(auto lease, pool_->acquire(ctx));
    onlooker_.emplace(std::move(lease));
    TRY_OK(
        (*onlooker_)->set_application_name(ctx, application_name(record_.identity.name, "look")));
  }
  return &**onlooker_;
}

Result<void> Job::refresh(const Context& ctx) {
  TRY(auto* const live, session(ctx));
  TRY(auto found, journal::find(ctx, *live, record_.identity));
  if (!found || found->id != record_.id) {
    return base::conflict("the migration is no longer in the ledger");
  }
  if (found->epoch != record_.epoch && found->owner != process_token()) {
    return base::precondition("another process took this migration over").with_reason("Fenced");
  }
  record_ = std::move(*found);
  fence_.epoch = record_.epoch;
  return {};
}

Result<void> Job::recover(const Context& ctx) {
  const bool lost = session_ && ((*session_)->broken() || (*session_)->in_transaction());
  if (!lost && !renewal_due_) return {};
  if (session_) session_->discard();
  session_.reset();
  renewal_due_ = true;
  TRY(auto* const live, session(ctx));
  TRY(fence_, renew(ctx, *live, fence_));
  record_.epoch = fence_.epoch;
  renewal_due_ = false;
  ctx.log().info("went on with a new session", {{"epoch", fence_.epoch}});
  return refresh(ctx);
}

std::chrono::milliseconds Job::lock_budget() const {
  return std::clamp(settings_.lock_timeout, 10ms, std::max(10ms, deadlock_timeout_ - 200ms));
}

void Job::tell(std::string_view step_id, std::string_view what) const {
  if (settings_.observer) settings_.observer(fmt::format("{}: {}", step_id, what));
}

void Job::show(const std::string& activity) {
  progress_->update([&](ProgressView& view) { view.activity = activity; });
}

}  // namespace lockkeeper::execute
