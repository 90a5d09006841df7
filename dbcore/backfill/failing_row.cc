#include "dbcore/backfill/failing_row.h"

#include <fmt/format.h>

namespace lockkeeper::backfill {
namespace {

using base::Error;
using base::Result;
using sql::Fragment;

using Places = std::span<const std::string>;  // ctids
// Tries some rows and leaves no trace: ok, or how they fail.
using Attempt = std::function<Result<void>(Places)>;

Result<std::vector<std::string>> places_in(const base::Context& ctx, sql::Session& session,
                                           const Target& target, const Span& span,
                                           const std::string& which) {
  const Predicate range = in_span(target, span);
  sql::Statement ask{Fragment::trusted(fmt::format("SELECT ctid FROM {} WHERE {} AND ({})",
                                                   target.table().text(), range.text, which))};
  bind_all(ask, range.values);
  TRY(const auto rows, session.execute(ctx, ask));
  std::vector<std::string> out;
  for (const sql::Row row : rows) out.push_back(row.text(0));
  return out;
}

std::string keys_of(const Target& target) {
  if (!target.by_key()) return "CAST(ctid AS pg_catalog.text)";
  std::string out;
  for (const KeyColumn& column : target.key) {
    if (!out.empty()) out += ", ";
    out +=
        fmt::format("CAST({} AS pg_catalog.text)", sql::Identifier::trusted(column.name).quoted());
  }
  return out;
}

Result<std::string> name_of(const base::Context& ctx, sql::Session& session, const Target& target,
                            const std::string& place) {
  sql::Statement ask{
      Fragment::trusted(fmt::format("SELECT {} FROM {} WHERE ctid = $1::pg_catalog.tid",
                                    keys_of(target), target.table().text()))};
  ask.bind(place);
  TRY(const auto rows, session.execute(ctx, ask));
  if (rows.empty()) return "ctid=" + place;
  Position key;
  key.reserve(static_cast<std::size_t>(rows.columns()));
  for (int i = 0; i < rows.columns(); ++i) key.push_back(rows[0].text(i));
  return display(target, key);
}

struct Culprit {
  std::string place;
  Error error;
};

// Halves the rows until one is left that fails alone; nullopt when none does any more.
Result<std::optional<Culprit>> search(const Attempt& attempt, Places all) {
  std::optional<Error> last;
  while (!all.empty()) {
    const std::size_t half = (all.size() + 1) / 2;
    const Places first = all.first(half);
    const auto tried = attempt(first);
    if (!tried.ok() && !blames_a_row(tried.error())) return tried.error();
    if (!tried.ok() && first.size() == 1) {
      return std::optional<Culprit>(Culprit{first.front(), tried.error()});
    }
    all = tried.ok() ? all.subspan(half) : first;
  }
  return std::optional<Culprit>();
}

Error row_fails(const Target& target, const std::string& row, const Error& error) {
  Error out = base::precondition("a row of " + target.relation.qualified().display() +
                                 " cannot be carried over")
                  .with_reason("RowFails");
  out.detail = row + ": " + error.message + (error.detail.empty() ? "" : " (" + error.detail + ")");
  out.hint = "correct the row, or change the expression";
  out.sqlstate = error.sqlstate;
  return out;
}

Error named(const base::Context& ctx, sql::Session& session, const Target& target,
            const std::vector<std::string>& places, const Attempt& attempt) {
  auto culprit = search(attempt, places);
  if (!culprit.ok()) return std::move(culprit).error();
  if (!culprit->has_value()) {
    return base::conflict("the row that had refused has changed meanwhile").with_reason("RowMoved");
  }
  const auto name = name_of(ctx, session, target, (*culprit)->place);
  if (!name.ok()) return name.error();
  return row_fails(target, *name, (*culprit)->error);
}

}  // namespace

Error name_failing_row(const base::Context& ctx, sql::Session& session, const Chunk& chunk,
                       const Target& target, const Span& span, const Error& seen) {
  const auto places = places_in(ctx, session, target, span, chunk.backfill.pending);
  if (!places.ok()) return places.error();
  if (places->empty()) return row_fails(target, "unknown row", seen);
  const std::string text =
      fmt::format("UPDATE {} SET {} WHERE ctid = ANY ($1::pg_catalog.tid[]) AND ({})",
                  target.table().text(), chunk.backfill.assignments, chunk.backfill.pending);
  const Attempt attempt = [&](Places some) -> Result<void> {
    TRY(auto transaction, fence::begin_fenced(ctx, session, chunk.key.fence));
    TRY_OK(session.pipeline(ctx, chunk_settings(chunk.backfill.table, chunk.backfill.routed)));
    sql::Statement update{Fragment::trusted(text)};
    update.bind(some);
    auto tried = transaction.execute(ctx, update);
    TRY_OK(transaction.rollback(ctx));
    if (!tried.ok()) return std::move(tried).error();
    return {};
  };
  return named(ctx, session, target, *places, attempt);
}

Error name_unreadable_row(const base::Context& ctx, sql::Session& session, const Target& target,
                          const Span& span, const std::string& question, const Error& seen) {
  const auto places = places_in(ctx, session, target, span, "true");
  if (!places.ok()) return places.error();
  if (places->empty()) return row_fails(target, "unknown row", seen);
  const std::string text = fmt::format(
      "SELECT pg_catalog.count(*) FILTER (WHERE {}) FROM {} WHERE ctid = ANY"
      " ($1::pg_catalog.tid[])",
      question, target.table().text());
  const Attempt attempt = [&](Places some) -> Result<void> {
    sql::Statement ask{Fragment::trusted(text)};
    ask.bind(some);
    TRY_OK(session.execute(ctx, ask));
    return {};
  };
  return named(ctx, session, target, *places, attempt);
}

}  // namespace lockkeeper::backfill
