// The part of an informer that does not know the type: threads, reflectors, and who has synced.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dbcore/base/context.h"
#include "dbcore/base/result.h"
#include "operator/kube/watch.h"

namespace lockkeeper::kube {

struct InformerOptions {
  Resource resource{};
  std::vector<std::string> namespaces{};  // empty: all
  std::string label_selector{};
  std::string field_selector{};
};

class InformerCore {
 public:
  using MakeSink = std::function<std::unique_ptr<WatchSink>(std::string ns)>;

  InformerCore(Client& client, InformerOptions options, MakeSink make_sink);

  void run(const base::Context& ctx);
  [[nodiscard]] bool synced() const;
  [[nodiscard]] base::Result<void> wait_synced(const base::Context& ctx) const;
  // A namespace's first list is in the store.
  void mark_synced() { synced_.fetch_add(1); }

 private:
  void follow(const base::Context& ctx, const std::string& ns);

  Client& client_;
  InformerOptions options_;
  MakeSink make_sink_;
  std::atomic<std::size_t> synced_{0};
};

// metadata of an object off the wire; all empty when it has no name.
ObjectMeta meta_or_empty(const Json& object);

}  // namespace lockkeeper::kube
