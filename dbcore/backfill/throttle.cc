#include "dbcore/backfill/throttle.h"

#include <fmt/format.h>

namespace lockkeeper::backfill {

base::Result<ReplicaLag> measure_replica_lag(const base::Context& ctx, sql::Session& session) {
  // Columns of a walsender that we may not see are NULL, state among them. A receiver that does not
  // replay (an archiver, a base backup) has no replay_lsn. A replica that is behind without a
  // measured lag has not answered since it fell behind: it counts as an hour. One that has caught
  // up shows what it last measured until its next report, up to wal_receiver_status_interval later.
  TRY(const auto rows,
      session.execute(
          ctx,
          "SELECT state IS NULL,"
          " CASE WHEN replay_lsn IS NULL OR replay_lsn >= pg_catalog.pg_current_wal_lsn() THEN 0"
          " WHEN replay_lag IS NOT NULL THEN"
          "  (1000 * EXTRACT(epoch FROM replay_lag))::pg_catalog.int8"
          " WHEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), replay_lsn)"
          "  > 16777216 THEN 3600000 ELSE 0 END,"
          " coalesce(application_name, '')"
          " FROM pg_catalog.pg_stat_replication"));
  ReplicaLag lag{std::chrono::milliseconds(0), {}};
  for (const sql::Row row : rows) {
    if (row.boolean(0)) return ReplicaLag{};
    const std::chrono::milliseconds replica(row.integer(1));
    if (replica > *lag.worst) lag = {replica, row.text(2)};
  }
  return lag;
}

std::string replica_lag_reason(const ReplicaLag& lag, const Tuning& tuning) {
  if (!lag.worst) return "the lag of the replicas is hidden from our role";
  if (*lag.worst <= tuning.max_replica_lag) return {};
  return fmt::format("replica {} is {:.1f} s behind, the limit is {:.1f} s",
                     lag.replica.empty() ? "(unnamed)" : lag.replica,
                     std::chrono::duration<double>(*lag.worst).count(),
                     std::chrono::duration<double>(tuning.max_replica_lag).count());
}

}  // namespace lockkeeper::backfill
