#include "reconciler/pools.h"

#include <fmt/format.h>

#include <charconv>

namespace lockkeeper::reconcile {
namespace {

constexpr char replica_mark = '#';  // no name of an object has it

// Takes the number off a replica's key; 0 for a primary's.
int split_replica(Key& key) {
  const auto mark = key.name.find(replica_mark);
  if (mark == std::string::npos) return 0;
  int index = 0;
  std::from_chars(key.name.data() + mark + 1, key.name.data() + key.name.size(), index);
  key.name.resize(mark);
  return index + 1;
}

}  // namespace

Key replica_key(const Key& database, std::size_t index) {
  return {database.ns, fmt::format("{}{}{}", database.name, replica_mark, index)};
}

std::vector<PoolView> Pools::views() const {
  const base::Lock lock(mutex_);
  std::vector<PoolView> views;
  views.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) {
    if (entry.pool == nullptr) continue;
    PoolView view;
    view.database = key;
    view.replica = split_replica(view.database);
    view.max = entry.pool->options().max;
    view.statistics = entry.pool->statistics();
    view.facts = entry.facts;
    view.slow = entry.pool->slow_log()->read();
    view.slow_count = entry.pool->slow_log()->count();
    views.push_back(std::move(view));
  }
  return views;
}

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
