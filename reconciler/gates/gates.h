// What must hold before a Migration takes its next step, as lists that read as a table of contents.
// Each gate is a pure function of what was seen; the first that is closed says why we wait.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crds/migration.h"
#include "dbcore/engine/engine.h"
#include "reconciler/gates/gate.h"
#include "reconciler/gates/traffic.h"

namespace lockkeeper::reconcile {

// What was seen; a gate reads what belongs to it, the rest is empty.
struct Sight {
  const crds::MigrationSpec* spec = nullptr;
  std::chrono::sys_seconds now{};
  crds::Until until = crds::Until::contract;
  std::string suspended_by;  // empty: nobody
  bool window_open = true;
  std::optional<std::chrono::sys_seconds> opens_at;

  bool needs_approval = false;
  std::string plan_hash;

  std::optional<TrafficSight> traffic;  // of blue and green
  std::optional<std::chrono::sys_seconds> contract_after;
  std::optional<std::chrono::sys_seconds> blue_down_at;  // earliest
  std::vector<engine::SessionInfo> old_sessions;
  std::vector<engine::SessionInfo> new_sessions;
  bool bake_failed = false;
  std::optional<std::string> drift;
};

using Gate = Verdict (*)(const Sight&);

Verdict judge(std::span<const Gate> gates, const Sight& sight);

// Before the first DDL.
std::span<const Gate> start_gates();
// Before a step of expand that takes a lock, and between chunks.
std::span<const Gate> step_gates();
// Before the traffic is moved.
std::span<const Gate> switch_gates();
// Before the bake may end well.
std::span<const Gate> hold_gates();
// Before contract.
std::span<const Gate> contract_gates();
// Before the undo.
std::span<const Gate> rollback_gates();

}  // namespace lockkeeper::reconcile
