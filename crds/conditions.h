// Conditions of an object: the kstatus three (Ready, Reconciling, Stalled), by which kubectl wait,
// Argo CD, Flux and Helm know how it stands, and those of a Migration. Plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crds/fields.h"
#include "crds/reasons.h"

namespace lockkeeper::crds {

enum class ConditionType {
  ready,
  reconciling,
  stalled,
  planned,
  approved,
  expanded,
  switched,
  contracted,
  rolled_back,
  gate_open,
  unknown,  // of another version; never kept
};
inline constexpr std::size_t condition_types = 10;
std::string_view to_string(ConditionType type);

enum class ConditionStatus { is_true, is_false, unknown };
std::string_view to_string(ConditionStatus status);

struct Condition {
  ConditionType type = ConditionType::unknown;
  ConditionStatus status = ConditionStatus::unknown;
  std::string reason;  // one of crds/reasons.h, kept as text for what another version wrote
  std::string message;
  std::optional<std::chrono::sys_seconds> last_transition_time;
  std::int64_t observed_generation = 0;
  bool operator==(const Condition&) const = default;
};

class Conditions {
 public:
  // Adds or changes one. lastTransitionTime moves only when the status does, so that a status that
  // says the same again is the same again. The message is cut at 32,768 characters.
  void set(ConditionType type, ConditionStatus status, Reason reason, std::string message,
           std::int64_t observed_generation, std::chrono::sys_seconds now);
  void remove(ConditionType type);

  // Null when it was never set.
  [[nodiscard]] const Condition* find(ConditionType type) const;
  [[nodiscard]] bool is_true(ConditionType type) const;
  [[nodiscard]] bool is_false(ConditionType type) const;
  // Whether it is set, and for this reason.
  [[nodiscard]] bool has_reason(ConditionType type, Reason reason) const;
  // In the order of ConditionType.
  [[nodiscard]] const std::vector<Condition>& all() const { return conditions_; }

  bool operator==(const Conditions&) const = default;

 private:
  friend void describe_conditions(Fields& f, Conditions& conditions);
  std::vector<Condition> conditions_;
};

// The field `conditions` of a status.
void describe_conditions(Fields& f, Conditions& conditions);

}  // namespace lockkeeper::crds
