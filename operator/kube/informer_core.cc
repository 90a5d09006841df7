#include "operator/kube/informer_core.h"

#include <nlohmann/json.hpp>
#include <thread>

namespace lockkeeper::kube {

InformerCore::InformerCore(Client& client, InformerOptions options, MakeSink make_sink)
    : client_(client), options_(std::move(options)), make_sink_(std::move(make_sink)) {
  if (options_.namespaces.empty()) options_.namespaces.emplace_back();
}

void InformerCore::run(const base::Context& ctx) {
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < options_.namespaces.size(); ++i) {
    others.emplace_back([this, &ctx, i] { follow(ctx, options_.namespaces[i]); });
  }
  follow(ctx, options_.namespaces.front());
}

void InformerCore::follow(const base::Context& ctx, const std::string& ns) {
  const auto sink = make_sink_(ns);
  Reflector reflector(client_, *sink,
                      {.resource = options_.resource,
                       .ns = ns,
                       .label_selector = options_.label_selector,
                       .field_selector = options_.field_selector});
  const base::Error ended = reflector.run(ctx);
  ctx.log().debug("informer stopped",
                  {{"resource", options_.resource.plural}, {"why", ended.message}});
}

bool InformerCore::synced() const {
  return synced_.load() >= options_.namespaces.size();
}

base::Result<void> InformerCore::wait_synced(const base::Context& ctx) const {
  while (!synced()) TRY_OK(ctx.sleep(std::chrono::milliseconds{20}));
  return {};
}

ObjectMeta meta_or_empty(const Json& object) {
  auto meta = read_meta(object);
  return meta.ok() ? std::move(meta).value() : ObjectMeta{};
}

}  // namespace lockkeeper::kube
