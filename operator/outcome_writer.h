// Carries out what a reconcile decided: its writes in order, then the status, then the Events; see
// reconciler/outcome.h for the rules. Thread-safe.
#pragma once

#include "operator/cluster_view.h"
#include "operator/kube/controller.h"
#include "operator/kube/events.h"
#include "reconciler/outcome.h"

namespace lockkeeper::app {

class OutcomeWriter {
 public:
  // All must outlive it.
  OutcomeWriter(kube::Client& client, ClusterView& view, kube::EventRecorder& events);

  base::Result<kube::Reconciled> carry_out(const base::Context& ctx, reconcile::Kind kind,
                                           const reconcile::Key& key,
                                           const reconcile::Outcome& outcome);

 private:
  // The resource version of the object itself after the write, when it was the one written.
  base::Result<kube::Json> write(const base::Context& ctx, const reconcile::Write& write);
  base::Result<void> write_status(const base::Context& ctx, reconcile::Kind kind,
                                  const reconcile::Key& key, const reconcile::Outcome& outcome,
                                  const std::string& resource_version);
  void record(reconcile::Kind kind, const reconcile::Key& key, const reconcile::Outcome& outcome);

  kube::Client& client_;
  ClusterView& view_;
  kube::EventRecorder& events_;
};

}  // namespace lockkeeper::app
