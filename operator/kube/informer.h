// Keeps a Store<T> equal to the cluster and tells handlers what changed.
//
//   Informer<crds::Migration> informer(client, {.resource = crds::migrations},
//   crds::decode_migration); informer.store().add_index("database", database_of);
//   informer.on_change([&](const Change<crds::Migration>& change) { queue.add(change.key, ...); });
//   std::jthread thread([&] { informer.run(ctx); });
//   informer.wait_synced(ctx);
//
// Handlers are called one at a time for one namespace, in the order of the server's events, from
// the informer's threads; they must not block. The store already holds what they are told.
// on_change and add_index come before run; everything else is thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dbcore/base/context.h"
#include "dbcore/base/result.h"
#include "operator/kube/client.h"
#include "operator/kube/informer_core.h"
#include "operator/kube/store.h"

namespace lockkeeper::kube {

template <typename T>
struct Change {
  ObjectKey key{};
  Entry<T> before;       // neither object nor error: it was not there
  Entry<T> after;        // the same: it is gone
  bool initial = false;  // from a list, not from an event: low priority
};

template <typename T>
class Informer {
 public:
  // Gets the object without managedFields.
  using Decoder = std::function<base::Result<T>(const Json&)>;
  using Handler = std::function<void(const Change<T>&)>;

  // client must outlive it.
  Informer(Client& client, InformerOptions options, Decoder decode)
      : decode_(std::move(decode)), core_(client, std::move(options), [this](std::string ns) {
          return make_sink(std::move(ns));
        }) {}

  [[nodiscard]] Store<T>& store() { return store_; }
  [[nodiscard]] const Store<T>& store() const { return store_; }
  void on_change(Handler handler) { handlers_.push_back(std::move(handler)); }

  // Blocks until the context is stopped; one thread more for each namespace beyond the first.
  void run(const base::Context& ctx) { core_.run(ctx); }
  // True once the first list of every namespace is in the store.
  [[nodiscard]] bool synced() const { return core_.synced(); }
  // cancelled or unavailable (deadline) when the context ends before that.
  [[nodiscard]] base::Result<void> wait_synced(const base::Context& ctx) const {
    return core_.wait_synced(ctx);
  }

 private:
  class Sink;
  std::unique_ptr<WatchSink> make_sink(std::string ns);
  void notify(const Change<T>& change) const {
    for (const Handler& handler : handlers_) handler(change);
  }

  Decoder decode_;
  Store<T> store_;
  std::vector<Handler> handlers_;
  InformerCore core_;
};

}  // namespace lockkeeper::kube

#include "operator/kube/informer_sink.h"
