// Reads both shapes of a table chunk by chunk and says where they differ. Changes nothing but what
// a repair asks for.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dbcore/backfill/backfill.h"

namespace lockkeeper::backfill {

struct Verified {
  std::int64_t rows = 0;
  std::int64_t mismatches = 0;
  std::int64_t pending = 0;              // unfilled rows
  std::vector<std::string> sample_keys;  // at most 5, "id=17"
  bool operator==(const Verified&) const = default;
};

base::Result<Verified> verify(const base::Context& ctx, sql::Pool& pool, const plan::Verify& verify,
                              const Tuning& tuning, const Report& report);

// Sends the mismatching and unfilled rows through the router once more, fenced.
base::Result<std::int64_t> repair(const base::Context& ctx, sql::Pool& pool,
                                  const fence::Fence& fence, const plan::Verify& verify,
                                  const plan::Backfill& backfill);

}  // namespace lockkeeper::backfill
