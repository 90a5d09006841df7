// The last known state of all objects of one kind, by namespace and name, with indexes.
//
// Thread-safe: one writer (the informer's threads), any number of readers. What a reader holds is
// immutable and stays alive as long as it is held. An object that did not decode has an entry too:
// its error instead of its value, so that the controller can tell the user.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dbcore/base/mutex.h"
#include "dbcore/base/result.h"
#include "operator/kube/object.h"

namespace lockkeeper::kube {

// An object that is there but that we could not read.
struct Undecoded {
  ObjectMeta meta{};
  base::Error error;
};

// At most one of the two is set; neither when the object is absent.
template <typename T>
struct Entry {
  std::shared_ptr<const T> object{};
  std::shared_ptr<const Undecoded> undecoded{};
  std::string resource_version{};

  explicit operator bool() const { return object != nullptr || undecoded != nullptr; }
};

template <typename T>
class Store {
 public:
  using Objects = std::vector<std::shared_ptr<const T>>;
  using Entries = std::unordered_map<ObjectKey, Entry<T>, ObjectKeyHash>;
  // The values under which an object is found; none keeps it out of the index.
  using IndexFunction = std::function<std::vector<std::string>(const T&)>;

  // Before the first object; a name that exists is replaced.
  void add_index(std::string name, IndexFunction function) {
    const base::Lock lock(mutex_);
    indexes_[std::move(name)].function = std::move(function);
  }

  // Null when the object is absent or did not decode.
  [[nodiscard]] std::shared_ptr<const T> get(const ObjectKey& key) const {
    return find(key).object;
  }

  [[nodiscard]] Entry<T> find(const ObjectKey& key) const {
    const base::Lock lock(mutex_);
    const auto found = entries_.find(key);
    return found == entries_.end() ? Entry<T>{} : found->second;
  }

  // All decoded objects, of one namespace when ns is not empty, in no order.
  [[nodiscard]] Objects list(std::string_view ns = {}) const {
    const base::Lock lock(mutex_);
    Objects objects;
    for (const auto& [key, entry] : entries_) {
      if (entry.object && (ns.empty() || key.ns == ns)) objects.push_back(entry.object);
    }
    return objects;
  }

  // Each decoded object, under the lock: the visitor must be short and must not come back here.
  void visit(const std::function<void(const T&)>& visitor) const {
    const base::Lock lock(mutex_);
    for (const auto& [key, entry] : entries_) {
      if (entry.object) visitor(*entry.object);
    }
  }

  // Keys of everything that is there, decoded or not.
  [[nodiscard]] std::vector<ObjectKey> keys() const {
    const base::Lock lock(mutex_);
    std::vector<ObjectKey> keys;
    keys.reserve(entries_.size());
    for (const auto& [key, entry] : entries_) keys.push_back(key);
    return keys;
  }

  // Objects whose index function named this value; empty for an index that does not exist.
  [[nodiscard]] Objects by_index(std::string_view index, std::string_view value) const {
    const base::Lock lock(mutex_);
    Objects objects;
    const auto found = indexes_.find(index);
    if (found == indexes_.end()) return objects;
    const auto bucket = found->second.buckets.find(value);
    if (bucket == found->second.buckets.end()) return objects;
    for (const ObjectKey& key : bucket->second) objects.push_back(entries_.at(key).object);
    return objects;
  }

  [[nodiscard]] std::size_t size() const {
    const base::Lock lock(mutex_);
    return entries_.size();
  }

  // --- for the informer -------------------------------------------------------------------------

  // Puts an entry; gives back the one it replaced.
  Entry<T> put(const ObjectKey& key, Entry<T> entry) {
    const base::Lock lock(mutex_);
    Entry<T> before = take(key);
    place(key, std::move(entry));
    return before;
  }

  Entry<T> erase(const ObjectKey& key) {
    const base::Lock lock(mutex_);
    return take(key);
  }

  // Swaps everything in one namespace (all of it when ns is empty) for these entries at once; gives
  // back what was there.
  Entries replace(std::string_view ns, Entries entries) {
    const base::Lock lock(mutex_);
    Entries before;
    for (const auto& [key, entry] : entries_) {
      if (ns.empty() || key.ns == ns) before.emplace(key, entry);
    }
    for (const auto& [key, entry] : before) take(key);
    for (auto& [key, entry] : entries) place(key, std::move(entry));
    return before;
  }

 private:
  struct Index {
    IndexFunction function{};
    std::map<std::string, std::set<ObjectKey>, std::less<>> buckets{};
  };

  Entry<T> take(const ObjectKey& key) LK_REQUIRES(mutex_) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return {};
    Entry<T> entry = std::move(found->second);
    entries_.erase(found);
    if (entry.object) unindex(key, *entry.object);
    return entry;
  }

  void place(const ObjectKey& key, Entry<T> entry) LK_REQUIRES(mutex_) {
    if (entry.object) {
      for (auto& [name, index] : indexes_) {
        for (const std::string& value : index.function(*entry.object)) {
          index.buckets[value].insert(key);
        }
      }
    }
    entries_.insert_or_assign(key, std::move(entry));
  }

  void unindex(const ObjectKey& key, const T& object) LK_REQUIRES(mutex_) {
    for (auto& [name, index] : indexes_) {
      for (const std::string& value : index.function(object)) {
        const auto bucket = index.buckets.find(value);
        if (bucket == index.buckets.end()) continue;
        bucket->second.erase(key);
        if (bucket->second.empty()) index.buckets.erase(bucket);
      }
    }
  }

  mutable base::Mutex mutex_;
  Entries entries_ LK_GUARDED_BY(mutex_);
  std::map<std::string, Index, std::less<>> indexes_ LK_GUARDED_BY(mutex_);
};

}  // namespace lockkeeper::kube
