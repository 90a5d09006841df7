// Why a backfill goes slower than it could, or waits. Decisions are pure; measuring is one query.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "dbcore/base/context.h"
#include "dbcore/sql/session.h"

namespace lockkeeper::backfill {

struct Tuning {
  std::chrono::milliseconds chunk_time{300};
  std::chrono::milliseconds pause{100};  // between chunks
  std::int64_t max_rows_per_second = 0;  // 0: no limit; over all shards
  std::chrono::milliseconds max_replica_lag{5'000};
  int shards = 0;  // 0: by the table's size
  bool operator==(const Tuning&) const = default;
};

struct ReplicaLag {
  std::optional<std::chrono::milliseconds> worst;  // empty: hidden from our role
  std::string replica;                             // application_name of the worst
};

// No walsender is no lag, an idle one neither; what we may not see is unknown.
base::Result<ReplicaLag> measure_replica_lag(const base::Context& ctx, sql::Session& session);

// Empty: go on. Else why not, for status.message. precondition LagUnknown is an error of the
// caller.
std::string replica_lag_reason(const ReplicaLag& lag, const Tuning& tuning);

}  // namespace lockkeeper::backfill
