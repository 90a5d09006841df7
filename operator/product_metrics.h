// The product's own numbers, read at each scrape from what is there: pools, what the last look at
// each server saw, the store. Nothing is asked of a server for a scrape. Thread-safe.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

#include "operator/cluster_view.h"
#include "reconciler/pools.h"

namespace lockkeeper::app {

std::vector<prometheus::MetricFamily> pool_metrics(const std::vector<reconcile::PoolView>& pools);
std::vector<prometheus::MetricFamily> object_metrics(const MigrationStore& migrations,
                                                     const DatabaseStore& databases);
// What /debug/slow answers: {"statements": [...]}, newest first, digests only.
std::string slow_statements(const std::vector<reconcile::PoolView>& pools);

}  // namespace lockkeeper::app
