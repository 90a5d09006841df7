// Which row of a range refuses: found by trying ever smaller parts of it, each rolled back.
#pragma once

#include <functional>

#include "dbcore/backfill/chunk.h"

namespace lockkeeper::backfill {

// precondition RowFails whose detail names the row and what the server said of it. When no row
// refuses any more, conflict: the chunk may be run again.
base::Error name_failing_row(const base::Context& ctx, sql::Session& session, const Chunk& chunk,
                             const Target& target, const Span& span, const base::Error& seen);

// The same for reading: `question` is evaluated for the rows named by ctid = ANY ($1::tid[]).
base::Error name_unreadable_row(const base::Context& ctx, sql::Session& session,
                                const Target& target, const Span& span, const std::string& question,
                                const base::Error& seen);

}  // namespace lockkeeper::backfill
