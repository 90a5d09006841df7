#include "dbcore/execute/blockers.h"

#include <algorithm>
#include <array>

namespace lockkeeper::execute {
namespace {

using base::Context;
using base::Result;

// Modes in pg_locks' spelling, weakest first, and for each the ones it cannot stand beside (as bits
// in this order): the table in PostgreSQL's manual, "Explicit Locking".
struct Mode {
  std::string_view words;
  std::string_view lock_name;
  unsigned conflicts;
};
constexpr std::array<Mode, 8> modes = {{
    {"ACCESS SHARE", "AccessShareLock", 0b10000000},
    {"ROW SHARE", "RowShareLock", 0b11000000},
    {"ROW EXCLUSIVE", "RowExclusiveLock", 0b11110000},
    {"SHARE UPDATE EXCLUSIVE", "ShareUpdateExclusiveLock", 0b11111000},
    {"SHARE", "ShareLock", 0b11101100},
    {"SHARE ROW EXCLUSIVE", "ShareRowExclusiveLock", 0b11111100},
    {"EXCLUSIVE", "ExclusiveLock", 0b11111110},
    {"ACCESS EXCLUSIVE", "AccessExclusiveLock", 0b11111111},
}};

std::vector<std::string> conflicting(std::string_view words) {
  std::vector<std::string> names;
  const auto mode = std::ranges::find(modes, words, &Mode::words);
  if (mode == modes.end()) return names;
  for (std::size_t i = 0; i < modes.size(); ++i) {
    if ((mode->conflicts & (1U << i)) != 0) names.emplace_back(modes[i].lock_name);
  }
  return names;
}

std::string mode_words(std::string_view lock_name) {
  const auto mode = std::ranges::find(modes, lock_name, &Mode::lock_name);
  return mode == modes.end() ? std::string(lock_name) : std::string(mode->words);
}

// What both questions select of a pid "b.pid" with its mode "b.mode".
#define LK_BLOCKER_COLUMNS                                                              \
  "b.pid, coalesce(a.usename, ''), coalesce(a.application_name, ''),"                   \
  " pg_catalog.floor(extract(epoch FROM pg_catalog.clock_timestamp() -"                 \
  "   CASE WHEN a.state = 'active' THEN a.query_start ELSE a.xact_start END))::bigint," \
  " CASE WHEN b.pid IS NULL OR b.pid = 0 THEN 'prepared transaction'"                   \
  "      WHEN a.backend_type = 'autovacuum worker' THEN 'autovacuum'"                   \
  "      ELSE coalesce(a.state, '') END, b.mode,"                                       \
  " (1000 * extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start))::bigint,"  \
  " coalesce(b.transaction, '')"

Blocker read_blocker(const sql::Row& row) {
  Blocker blocker;
  blocker.pid = static_cast<int>(row.integer(0));
  blocker.user = row.text(1);
  blocker.application_name = row.text(2);
  blocker.query_age = std::chrono::seconds(row.integer(3));
  blocker.age_at_least = row.is_null(3);
  blocker.state = row.text(4);
  blocker.lock_mode = mode_words(row.view(5));
  if (!row.is_null(6)) blocker.held = std::chrono::milliseconds(row.integer(6));
  blocker.transaction = row.text(7);
  return blocker;
}

std::vector<Blocker> read_blockers(const sql::Rows& rows) {
  std::vector<Blocker> blockers;
  for (const sql::Row row : rows) blockers.push_back(read_blocker(row));
  return blockers;
}

}  // namespace

sql::Statement holders_question(const std::vector<std::uint32_t>& relations,
                                std::string_view mode) {
  std::vector<std::string> oids;
  oids.reserve(relations.size());
  for (const auto oid : relations) oids.push_back(std::to_string(oid));
  sql::Statement ask("SELECT " LK_BLOCKER_COLUMNS
                     " FROM (SELECT l.pid, pg_catalog.min(l.mode) AS mode,"
                     "  pg_catalog.min(l.virtualtransaction) AS transaction"
                     "  FROM pg_catalog.pg_locks l WHERE l.locktype = 'relation' AND l.granted"
                     "  AND l.relation = ANY ($1::oid[]) AND l.mode = ANY ($2::text[])"
                     "  AND l.database = (SELECT oid FROM pg_catalog.pg_database"
                     "                    WHERE datname = pg_catalog.current_database())"
                     "  AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() GROUP BY l.pid) b"
                     " LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid"
                     " ORDER BY a.xact_start LIMIT 20");
  const auto names = conflicting(mode);
  ask.bind(oids).bind(names);
  return ask;
}

std::vector<Blocker> read_holders(const sql::Rows& rows) {
  return read_blockers(rows);
}

Result<std::vector<Blocker>> blockers_of(const Context& ctx, sql::Session& observer,
                                         int waiting_pid) {
  sql::Statement ask("SELECT " LK_BLOCKER_COLUMNS
                     " FROM (SELECT p.pid, coalesce(pg_catalog.min(h.mode), '') AS mode,"
                     "  pg_catalog.min(h.virtualtransaction) AS transaction"
                     "  FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1::int)) AS p(pid)"
                     "  LEFT JOIN pg_catalog.pg_locks w ON w.pid = $1::int AND NOT w.granted"
                     "  LEFT JOIN pg_catalog.pg_locks h ON h.pid = p.pid AND h.granted"
                     "   AND h.locktype = w.locktype AND h.relation IS NOT DISTINCT FROM w.relation"
                     "   AND h.virtualxid IS NOT DISTINCT FROM w.virtualxid"
                     "   AND h.transactionid IS NOT DISTINCT FROM w.transactionid"
                     "  GROUP BY p.pid) b"
                     " LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid"
                     " ORDER BY a.xact_start LIMIT 5");
  ask.bind(waiting_pid);
  TRY(const auto rows, observer.execute(ctx, ask));
  return read_blockers(rows);
}

Result<std::vector<Blocker>> holders(const Context& ctx, sql::Session& observer,
                                     const std::vector<std::uint32_t>& relations,
                                     std::string_view mode) {
  TRY(const auto rows, observer.execute(ctx, holders_question(relations, mode)));
  return read_holders(rows);
}

}  // namespace lockkeeper::execute
