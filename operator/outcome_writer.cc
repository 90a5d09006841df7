#include "operator/outcome_writer.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace lockkeeper::app {
namespace {

std::string api_version_of(reconcile::Kind kind) {
  return resource_of(kind).api_version();
}

base::Error explain(base::Error error, const reconcile::Write& write) {
  if (kube::is_patch_test_failed(error)) error.code = base::ErrorCode::conflict;
  return explain_forbidden(std::move(error), write.key.ns).within(write.about);
}

}  // namespace

OutcomeWriter::OutcomeWriter(kube::Client& client, ClusterView& view, kube::EventRecorder& events)
    : client_(client), view_(view), events_(events) {}

base::Result<kube::Reconciled> OutcomeWriter::carry_out(const base::Context& ctx,
                                                        reconcile::Kind kind,
                                                        const reconcile::Key& key,
                                                        const reconcile::Outcome& outcome) {
  std::string resource_version = outcome.resource_version;
  bool gone = false;
  for (const reconcile::Write& item : outcome.writes) {
    auto answer = write(ctx, item);
    if (!answer.ok()) return explain(std::move(answer).error(), item);
    ctx.log().info("wrote", {{"what", item.about}, {"object", item.key.text()}});
    if (item.kind != kind || item.key != key) continue;
    // The last finalizer gone is the object gone: there is no status left to write.
    const auto meta = kube::read_meta(*answer);
    gone = !meta.ok() || (answer->at("metadata").contains("deletionTimestamp") &&
                          !answer->at("metadata").contains("finalizers"));
    if (meta.ok()) resource_version = meta->resource_version;
    view_.remember(kind, key, *answer);
  }
  if (outcome.status && !gone) {
    TRY_OK(write_status(ctx, kind, key, outcome, resource_version));
  }
  record(kind, key, outcome);
  return kube::Reconciled{.requeue_after = gone ? std::nullopt : outcome.requeue_after};
}

base::Result<kube::Json> OutcomeWriter::write(const base::Context& ctx,
                                              const reconcile::Write& write) {
  const kube::Resource resource = resource_of(write.kind);
  const kube::ObjectKey key = object_key(write.key);
  switch (write.verb) {
    case reconcile::Verb::apply: return client_.apply(ctx, resource, key, *write.body);
    case reconcile::Verb::json_patch: return client_.json_patch(ctx, resource, key, *write.body);
    case reconcile::Verb::remove: {
      TRY_OK(client_.remove(ctx, resource, key));
      return kube::Json::object();
    }
  }
  return base::internal("unknown verb of a write");
}

base::Result<void> OutcomeWriter::write_status(const base::Context& ctx, reconcile::Kind kind,
                                               const reconcile::Key& key,
                                               const reconcile::Outcome& outcome,
                                               const std::string& resource_version) {
  kube::Json metadata{{"name", key.name},
                      {"namespace", key.ns},
                      {"uid", outcome.uid},
                      {"resourceVersion", resource_version}};
  kube::Json object{{"apiVersion", api_version_of(kind)},
                    {"kind", reconcile::name_of(kind).kind},
                    {"metadata", std::move(metadata)},
                    {"status", *outcome.status}};
  TRY(const kube::Json answer,
      client_.apply_status(ctx, resource_of(kind), object_key(key), object));
  view_.remember(kind, key, answer);
  return {};
}

void OutcomeWriter::record(reconcile::Kind kind, const reconcile::Key& key,
                           const reconcile::Outcome& outcome) {
  for (const reconcile::Event& event : outcome.events) {
    events_.record({.regarding = {.api_version = api_version_of(kind),
                                  .kind = std::string(reconcile::name_of(kind).kind),
                                  .ns = key.ns,
                                  .name = key.name,
                                  .uid = outcome.uid,
                                  .resource_version = outcome.resource_version},
                    .warning = event.warning,
                    .reason = event.reason,
                    .action = event.action,
                    .note = event.note});
  }
}

}  // namespace lockkeeper::app
