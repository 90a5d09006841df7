#include "operator/gate_answers.h"

#include <algorithm>
#include <string>

namespace lockkeeper::app {
namespace {

server::GateAnswer no(std::string reason, std::string message) {
  return {.ok = false, .reason = std::move(reason), .message = std::move(message)};
}

}  // namespace

server::GateAnswer answer_gate(const MigrationInformer& migrations, std::string_view ns,
                               std::string_view migration, std::string_view condition) {
  if (!migrations.synced()) return no("NotSynced", "the operator has not seen the cluster yet");
  const auto cached =
      migrations.store().get({.ns = std::string(ns), .name = std::string(migration)});
  if (!cached) return no("NotFound", "no such Migration");
  if (!cached->object) return no("InvalidSpec", cached->error->text());
  const crds::Migration& object = *cached->object;
  if (object.status.observed_generation != object.metadata.generation) {
    return no("NotObserved", "the operator has not judged this generation yet");
  }
  const auto& all = object.status.conditions.all();
  const auto found = std::find_if(all.begin(), all.end(), [&](const crds::Condition& candidate) {
    return crds::to_string(candidate.type) == condition;
  });
  if (found == all.end()) return no("ConditionNotSet", "the Migration has no such condition");
  return {.ok = found->status == crds::ConditionStatus::is_true,
          .reason = found->reason,
          .message = found->message};
}

}  // namespace lockkeeper::app
