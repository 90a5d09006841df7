#include "reconciler/memory.h"

namespace lockkeeper::reconcile {

Memory& Memories::of(const Key& key, const std::string& uid) {
  base::Lock lock(mutex_);
  auto& memory = memories_[key];
  if (memory == nullptr || memory->uid != uid) {
    memory = std::make_unique<Memory>();
    memory->uid = uid;
  }
  return *memory;
}

void Memories::drop_if_blank(const Key& key) {
  base::Lock lock(mutex_);
  const auto found = memories_.find(key);
  if (found != memories_.end() && found->second->blank()) memories_.erase(found);
}

std::string Memories::drop(const Key& key) {
  base::Lock lock(mutex_);
  const auto found = memories_.find(key);
  if (found == memories_.end()) return {};
  std::string uid = found->second->uid;
  memories_.erase(found);
  return uid;
}

}  // namespace lockkeeper::reconcile
