#include "dbcore/backfill/verify.h"

#include <fmt/format.h>

#include "dbcore/backfill/chunk.h"
#include "dbcore/backfill/failing_row.h"
#include "dbcore/backfill/meter.h"

namespace lockkeeper::backfill {
namespace {

using base::Result;
using sql::Fragment;

constexpr std::size_t most_samples = 5;
const std::string no_step;
constexpr ServoLimits key_limits{10, 100'000, 5'000};
constexpr ServoLimits block_limits{1, 2'000, 100};

std::string or_false(const std::string& predicate) {
  return predicate.empty() ? std::string("false") : predicate;
}

// The shapes of a row that the router left alone are not compared: that may fail, which is why it
// was left. OR and AND would promise no order.
std::string mismatched_row(const plan::Verify& verify, std::string_view pending_counts) {
  return fmt::format("(CASE WHEN {} THEN {} ELSE {} END)", or_false(verify.pending), pending_counts,
                     or_false(verify.mismatch));
}

std::string wrong_row(const plan::Verify& verify) {
  return mismatched_row(verify, "true");
}

// Calls visit(span) for one range after the other.
template <typename Visit>
Result<void> each_span(const base::Context& ctx, sql::Session& session, const Target& target,
                       const Tuning& tuning, const Visit& visit) {
  TRY(const auto whole, extent(ctx, session, target));
  if (!whole) return {};
  Servo servo(tuning.chunk_time, target.by_key() ? key_limits : block_limits);
  Span rest = *whole;
  for (bool more = true; more;) {
    TRY_OK(ctx.check());
    const auto start = ctx.clock().now();
    TRY(const auto end, boundary(ctx, session, target, rest, servo.size()));
    TRY_OK(visit(Span{rest.after, end ? end : rest.upto}));
    more = end.has_value();
    if (more) servo.record(servo.size(), ctx.clock().now() - start);
    rest.after = end;
  }
  return {};
}

class Verifier {
 public:
  Verifier(sql::Session& session, const plan::Verify& verify, Meter& meter)
      : session_(session), verify_(verify), meter_(meter) {}

  Result<void> check(const base::Context& ctx, const Target& target, const Span& span) {
    const Predicate range = in_span(target, span);
    sql::Statement ask{Fragment::trusted(
        fmt::format("SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE {0}),"
                    " pg_catalog.count(*) FILTER (WHERE {1}) FROM {2} WHERE {3}",
                    mismatched_row(verify_, "false"), or_false(verify_.pending),
                    target.table().text(), range.text))};
    bind_all(ask, range.values);
    auto rows = session_.execute(ctx, ask);
    if (!rows.ok()) {
      if (!blames_a_row(rows.error())) return std::move(rows).error();
      return name_unreadable_row(ctx, session_, target, span, wrong_row(verify_), rows.error());
    }
    const sql::Row row = (*rows)[0];
    seen_.rows += row.integer(0);
    seen_.mismatches += row.integer(1);
    seen_.pending += row.integer(2);
    meter_.add(row.integer(0));
    if (row.integer(1) + row.integer(2) > 0) return sample(ctx, target, range);
    return {};
  }

  [[nodiscard]] const Verified& seen() const { return seen_; }

 private:
  Result<void> sample(const base::Context& ctx, const Target& target, const Predicate& range) {
    if (seen_.sample_keys.size() >= most_samples) return {};
    std::string keys;
    for (const KeyColumn& column : target.key) {
      keys += fmt::format("{}CAST({} AS pg_catalog.text)", keys.empty() ? "" : ", ",
                          sql::Identifier::trusted(column.name).quoted());
    }
    sql::Statement ask{Fragment::trusted(
        fmt::format("SELECT {} FROM {} WHERE {} AND {} LIMIT {}",
                    keys.empty() ? "CAST(ctid AS pg_catalog.text)" : keys, target.table().text(),
                    range.text, wrong_row(verify_), most_samples - seen_.sample_keys.size()))};
    bind_all(ask, range.values);
    TRY(const auto rows, session_.execute(ctx, ask));
    for (const sql::Row row : rows) {
      Position key;
      key.reserve(static_cast<std::size_t>(rows.columns()));
      for (int i = 0; i < rows.columns(); ++i) key.push_back(row.text(i));
      seen_.sample_keys.push_back(display(target, key));
    }
    return {};
  }

  sql::Session& session_;
  const plan::Verify& verify_;
  Meter& meter_;
  Verified seen_;
};

Result<std::int64_t> repair_span(const base::Context& ctx, sql::Session& session,
                                 const fence::Fence& fence, const plan::Verify& verify,
                                 const plan::Backfill& backfill, const Target& target,
                                 const Span& span) {
  const Predicate range = in_span(target, span);
  const std::string table = target.table().text();
  sql::Statement update{Fragment::trusted(
      fmt::format("UPDATE {} SET {} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {} WHERE {} AND {}"
                  " FOR NO KEY UPDATE SKIP LOCKED))",
                  table, backfill.assignments, table, range.text, wrong_row(verify)))};
  bind_all(update, range.values);
  TRY(auto transaction, fence::begin_fenced(ctx, session, fence));
  // The router fills such a row whatever its marker says.
  auto settings = chunk_settings(backfill.table, false);
  settings.emplace_back("SET LOCAL synchronous_commit = on");
  settings.emplace_back("SET LOCAL lockkeeper.backfill = 'repair'");
  TRY_OK(session.pipeline(ctx, settings));
  const auto rows = transaction.execute(ctx, update);
  if (rows.ok()) {
    TRY_OK(transaction.commit(ctx));
    return rows->affected();
  }
  if (!blames_a_row(rows.error())) return rows.error();
  TRY_OK(transaction.rollback(ctx));
  return name_failing_row(ctx, session, Chunk{backfill, {fence, no_step}}, target, span,
                          rows.error());
}

}  // namespace

Result<Verified> verify(const base::Context& ctx, sql::Pool& pool, const plan::Verify& verify,
                        const Tuning& tuning, const Report& report) {
  TRY(auto lease, pool.acquire(ctx));
  TRY(const auto targets, targets_of(ctx, *lease, verify.table, verify.key));
  double rows = 0;
  for (const Target& target : targets) rows += target.rows;
  Meter meter(ctx.clock(), report, 0, static_cast<std::int64_t>(rows));
  Verifier verifier(*lease, verify, meter);
  for (const Target& target : targets) {
    TRY_OK(each_span(ctx, *lease, target, tuning,
                     [&](const Span& span) { return verifier.check(ctx, target, span); }));
  }
  meter.finish();
  return verifier.seen();
}

Result<std::int64_t> repair(const base::Context& ctx, sql::Pool& pool, const fence::Fence& fence,
                            const plan::Verify& verify, const plan::Backfill& backfill) {
  TRY(auto lease, pool.acquire(ctx));
  TRY(const auto targets, targets_of(ctx, *lease, verify.table, verify.key));
  std::int64_t repaired = 0;
  for (const Target& target : targets) {
    TRY_OK(each_span(ctx, *lease, target, Tuning(), [&](const Span& span) -> Result<void> {
      TRY(const auto rows, repair_span(ctx, *lease, fence, verify, backfill, target, span));
      repaired += rows;
      return {};
    }));
  }
  return repaired;
}

}  // namespace lockkeeper::backfill
