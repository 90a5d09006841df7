// The typed half of an informer: decodes, fills the store, tells the handlers. Only informer.h
// includes it.
#pragma once

#include "operator/kube/informer.h"

namespace lockkeeper::kube {

template <typename T>
class Informer<T>::Sink final : public WatchSink {
 public:
  Sink(Informer& owner, std::string ns) : owner_(owner), ns_(std::move(ns)) {}

  void begin() override { buffer_.clear(); }

  void initial(const Json& object) override {
    ObjectKey key;
    Entry<T> entry = decode(object, key);
    if (!key.name.empty()) buffer_.insert_or_assign(std::move(key), std::move(entry));
  }

  void finish() override {
    std::vector<ObjectKey> keys;
    keys.reserve(buffer_.size());
    for (const auto& [key, entry] : buffer_) keys.push_back(key);
    auto before = owner_.store_.replace(ns_, std::move(buffer_));
    buffer_ = {};
    for (const ObjectKey& key : keys) announce(key, before);
    for (auto& [key, entry] : before) {
      owner_.notify(Change<T>{.key = key, .before = entry, .after = {}, .initial = true});
    }
    if (!std::exchange(synced_, true)) owner_.core_.mark_synced();
  }

  void upsert(const Json& object) override {
    ObjectKey key;
    Entry<T> entry = decode(object, key);
    if (key.name.empty()) return;
    Entry<T> before = owner_.store_.put(key, entry);
    if (before && before.resource_version == entry.resource_version) return;
    owner_.notify(Change<T>{.key = std::move(key),
                            .before = std::move(before),
                            .after = std::move(entry),
                            .initial = false});
  }

  void erase(const Json& object) override {
    ObjectMeta meta = meta_or_empty(object);
    Entry<T> before = owner_.store_.erase(meta.key);
    if (!before) return;
    owner_.notify(Change<T>{
        .key = std::move(meta.key), .before = std::move(before), .after = {}, .initial = false});
  }

 private:
  // Takes the key out of what was there before, so that the rest of it is what is gone.
  void announce(const ObjectKey& key, typename Store<T>::Entries& before) {
    Change<T> change{.key = key, .before = {}, .after = owner_.store_.find(key), .initial = true};
    if (const auto old = before.find(key); old != before.end()) {
      change.before = std::move(old->second);
      before.erase(old);
      if (change.before.resource_version == change.after.resource_version) return;
    }
    owner_.notify(change);
  }

  Entry<T> decode(const Json& object, ObjectKey& key) {
    ObjectMeta meta = meta_or_empty(object);
    key = meta.key;
    Entry<T> entry;
    entry.resource_version = meta.resource_version;
    auto decoded = owner_.decode_(object);
    if (decoded.ok()) {
      entry.object = std::make_shared<const T>(std::move(decoded).value());
    } else {
      entry.undecoded =
          std::make_shared<const Undecoded>(Undecoded{std::move(meta), std::move(decoded).error()});
    }
    return entry;
  }

  Informer& owner_;
  std::string ns_;
  bool synced_ = false;
  typename Store<T>::Entries buffer_;
};

template <typename T>
std::unique_ptr<WatchSink> Informer<T>::make_sink(std::string ns) {
  return std::make_unique<Sink>(*this, std::move(ns));
}

}  // namespace lockkeeper::kube
