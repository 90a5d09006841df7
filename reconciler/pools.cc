#include "reconciler/pools.h"

namespace lockkeeper::reconcile {

std::shared_ptr<sql::Pool> Pools::configure(const Key& database, const std::string& uid,
                                            const sql::Endpoint& endpoint,
                                            const sql::PoolOptions& options) {
  base::Lock lock(mutex_);
  Entry& entry = entries_[database];
  if (entry.pool == nullptr || entry.uid != uid) {
    if (entry.pool != nullptr) entry.pool->close();
    entry = {uid, std::make_shared<sql::Pool>(endpoint, options), {}};
    return entry.pool;
  }
  const bool moved = !(entry.pool->endpoint() == endpoint);
  if (moved) entry.facts.reset();
  if (moved || !(entry.pool->options() == options)) entry.pool->reconfigure(endpoint, options);
  return entry.pool;
}

std::shared_ptr<sql::Pool> Pools::find(const Key& database) const {
  base::Lock lock(mutex_);
  const auto found = entries_.find(database);
  return found == entries_.end() ? nullptr : found->second.pool;
}

void Pools::remove(const Key& database) {
  base::Lock lock(mutex_);
  const auto found = entries_.find(database);
  if (found == entries_.end()) return;
  found->second.pool->close();
  entries_.erase(found);
}

void Pools::remember(const Key& database, const std::optional<ServerFacts>& facts) {
  base::Lock lock(mutex_);
  const auto found = entries_.find(database);
  if (found != entries_.end()) found->second.facts = facts;
}

std::optional<ServerFacts> Pools::facts(const Key& database) const {
  base::Lock lock(mutex_);
  const auto found = entries_.find(database);
  return found == entries_.end() ? std::nullopt : found->second.facts;
}

}  // namespace lockkeeper::reconcile
