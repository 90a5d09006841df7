#include "dbcore/backfill/backfill.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "dbcore/backfill/crew.h"
#include "dbcore/backfill/meter.h"
#include "dbcore/backfill/shard.h"

namespace lockkeeper::backfill {
namespace {

using base::Result;
using sql::Fragment;

constexpr int most_workers = 16;
constexpr double rows_for_two_workers = 1'000'000;
constexpr int most_plain_sweeps = 5;
constexpr int most_rewrites = 5;
constexpr base::BackoffPolicy between_sweeps{std::chrono::milliseconds(200), 2.0,
                                             std::chrono::milliseconds(15'000), 0.2};

std::string exists_pending(const plan::Backfill& backfill, const std::string& table) {
  return fmt::format("SELECT EXISTS (SELECT FROM {} WHERE {})", table, backfill.pending);
}

// A scan of the whole table when nothing is pending: as long as that takes.
Result<bool> ask_unhurried(const base::Context& ctx, sql::Session& session,
                           const plan::Backfill& backfill, const std::string& table) {
  const sql::Statement question{Fragment::trusted(exists_pending(backfill, table))};
  if (session.in_transaction()) return session.ask(ctx, question);
  std::vector<sql::Statement> statements{"BEGIN READ ONLY", "SET LOCAL statement_timeout = 0"};
  for (const auto& setting : chunk_settings(backfill.table, false)) statements.push_back(setting);
  TRY(auto begun, session.pipeline(ctx, statements));
  auto transaction = sql::Transaction::adopt(session);
  TRY(const bool answer, session.ask(ctx, question));
  TRY_OK(transaction.commit(ctx));
  return answer;
}

class Pass {
 public:
  Pass(sql::Pool& pool, const Chunk& chunk, const Tuning& tuning, const Report& report)
      : pool_(pool), chunk_(chunk), tuning_(tuning), report_(report) {}

  Result<Progress> run(const base::Context& ctx) {
    TRY(auto shards, resume(ctx));
    meter_ = std::make_unique<Meter>(ctx.clock(), report_, counted(shards), estimate_);
    Crew crew(pool_, chunk_, tuning_, *meter_);
    for (int tries = 0;; ++tries) {
      const auto done = crew.run(ctx, std::move(shards), workers());
      if (done.ok()) break;
      if (done.error().reason != cursor_moved || tries >= most_rewrites) return done.error();
      ctx.log().info("the table was rewritten: its ranges are cut anew",
                     {{"table", chunk_.backfill.table.name}});
      TRY(shards, resume(ctx));
    }
    TRY_OK(sweep_until_clean(ctx, crew));
    return meter_->finish();
  }

 private:
  static std::int64_t counted(const std::vector<Shard>& shards) {
    std::int64_t rows = 0;
    for (const Shard& shard : shards) rows += shard.rows_done;
    return rows;
  }

  [[nodiscard]] int workers() const {
    if (tuning_.shards > 0) return std::min(tuning_.shards, most_workers);
    return static_cast<double>(estimate_) >= rows_for_two_workers ? 2 : 1;
  }

  // A table is cut into as many parts as there are workers; one of many partitions is not.
  [[nodiscard]] int parts(std::size_t relations) const { return relations > 1 ? 1 : workers(); }

  Result<std::vector<std::shared_ptr<const Target>>> look(const base::Context& ctx,
                                                          sql::Session& session) {
    TRY(auto found, targets_of(ctx, session, chunk_.backfill.table, chunk_.backfill.key));
    std::vector<std::shared_ptr<const Target>> targets;
    double rows = 0;
    for (Target& target : found) {
      rows += target.rows;
      targets.push_back(std::make_shared<const Target>(std::move(target)));
    }
    estimate_ = static_cast<std::int64_t>(rows);
    return targets;
  }

  // What the ledger knows, completed where it knows nothing.
  Result<std::vector<Shard>> resume(const base::Context& ctx) {
    TRY(auto lease, pool_.acquire(ctx));
    TRY(const auto targets, look(ctx, *lease));
    std::vector<Shard> all;
    for (const auto& target : targets) {
      TRY(auto shards, load_shards(ctx, *lease, chunk_.key, target));
      if (shards.empty()) {
        TRY(shards, create_shards(ctx, *lease, chunk_.key, target, parts(targets.size()), 0));
      }
      for (Shard& shard : shards) all.push_back(std::move(shard));
    }
    return all;
  }

  // New ranges for every relation that still holds a pending row.
  Result<std::vector<Shard>> unfinished(const base::Context& ctx) {
    TRY(auto lease, pool_.acquire(ctx));
    TRY(const auto targets, look(ctx, *lease));
    std::vector<Shard> all;
    for (const auto& target : targets) {
      TRY(const bool left, ask_unhurried(ctx, *lease, chunk_.backfill, target->table().text()));
      if (!left) continue;
      TRY(const auto known, load_shards(ctx, *lease, chunk_.key, target));
      TRY(auto shards,
          create_shards(ctx, *lease, chunk_.key, target, parts(targets.size()), counted(known)));
      for (Shard& shard : shards) all.push_back(std::move(shard));
    }
    return all;
  }

  Result<void> sweep_until_clean(const base::Context& ctx, Crew& crew) {
    base::Backoff backoff(between_sweeps);
    for (int sweeps = 0;; ++sweeps) {
      TRY(auto shards, unfinished(ctx));
      if (shards.empty()) return {};
      if (!chunk_.backfill.routed && sweeps >= most_plain_sweeps) return never_ends();
      if (sweeps > 0) {
        meter_->throttled("waits for rows that other transactions have locked");
        TRY_OK(ctx.sleep(backoff.next()));
      }
      TRY(const auto rows, crew.run(ctx, std::move(shards), workers()));
      ctx.log().info("rows that had been passed over were visited again",
                     {{"table", chunk_.backfill.table.name}, {"rows", rows}});
      if (rows > 0) backoff.reset();
    }
  }

  [[nodiscard]] base::Error never_ends() const {
    return base::precondition("rows of " + chunk_.backfill.table.qualified().display() +
                              " are still to be filled after " + std::to_string(most_plain_sweeps) +
                              " passes")
        .with_detail("the condition holds again after the assignment: " + chunk_.backfill.pending)
        .with_hint(
            "make the assignment end the condition, or end the transactions that lock the rows")
        .with_reason("BackfillNeverEnds");
  }

  sql::Pool& pool_;
  const Chunk& chunk_;
  const Tuning& tuning_;
  const Report& report_;
  std::int64_t estimate_ = 0;
  std::unique_ptr<Meter> meter_;
};

}  // namespace

base::Result<Progress> run(const base::Context& ctx, sql::Pool& pool, const fence::Fence& fence,
                           const std::string& step_id, const plan::Backfill& backfill,
                           const Tuning& tuning, const Report& report) {
  const Chunk chunk{backfill, {fence, step_id}};
  return Pass(pool, chunk, tuning, report).run(ctx);
}

base::Result<bool> pending(const base::Context& ctx, sql::Session& session,
                           const plan::Backfill& backfill) {
  return ask_unhurried(ctx, session, backfill, backfill.table.qualified().quoted());
}

}  // namespace lockkeeper::backfill
