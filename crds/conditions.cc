#include "crds/conditions.h"

#include <algorithm>
#include <array>

namespace lockkeeper::crds {
namespace {

constexpr std::array<std::string_view, condition_types> type_names = {
    "Ready",    "Reconciling", "Stalled",    "Planned",    "Approved",
    "Expanded", "Switched",    "Contracted", "RolledBack", "GateOpen"};
constexpr std::array<std::string_view, 3> status_names = {"True", "False", "Unknown"};

constexpr std::size_t max_message = 32'768;

// Cut between characters, so that it stays valid UTF-8.
void cut(std::string& text, std::size_t size) {
  if (text.size() <= size) return;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  text.resize(size);
}

}  // namespace

std::string_view to_string(ConditionType type) {
  return type == ConditionType::unknown ? "Unknown" : type_names[static_cast<std::size_t>(type)];
}

std::string_view to_string(ConditionStatus status) {
  return status_names[static_cast<std::size_t>(status)];
}

void Conditions::set(ConditionType type, ConditionStatus status, Reason reason, std::string message,
                     std::int64_t observed_generation, std::chrono::sys_seconds now) {
  cut(message, max_message);
  auto at = std::find_if(conditions_.begin(), conditions_.end(),
                         [type](const Condition& c) { return c.type >= type; });
  if (at == conditions_.end() || at->type != type) {
    Condition fresh;
    fresh.type = type;
    at = conditions_.insert(at, std::move(fresh));
  }
  if (at->status != status || !at->last_transition_time) at->last_transition_time = now;
  at->status = status;
  at->reason = to_string(reason);
  at->message = std::move(message);
  at->observed_generation = observed_generation;
}

void Conditions::remove(ConditionType type) {
  std::erase_if(conditions_, [type](const Condition& c) { return c.type == type; });
}

const Condition* Conditions::find(ConditionType type) const {
  for (const Condition& condition : conditions_) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

bool Conditions::is_true(ConditionType type) const {
  const Condition* found = find(type);
  return found != nullptr && found->status == ConditionStatus::is_true;
}

bool Conditions::is_false(ConditionType type) const {
  const Condition* found = find(type);
  return found != nullptr && found->status == ConditionStatus::is_false;
}

bool Conditions::has_reason(ConditionType type, Reason reason) const {
  const Condition* found = find(type);
  return found != nullptr && found->reason == to_string(reason);
}

void describe(Fields& f, Condition& c) {
  f.choice("type", c.type, type_names, Presence::required);
  f.choice("status", c.status, status_names, Presence::required);
  f.text("reason", c.reason, {.required = true, .min = 1, .max = 1024, .shape = nullptr});
  f.text("message", c.message, {.required = true, .max = max_message});
  f.time("lastTransitionTime", c.last_transition_time, Presence::required);
  f.integer("observedGeneration", c.observed_generation);
}

void describe_conditions(Fields& f, Conditions& conditions) {
  f.list("conditions", conditions.conditions_, {.max = 16});
  auto& list = conditions.conditions_;
  std::erase_if(list, [](const Condition& c) { return c.type == ConditionType::unknown; });
  std::stable_sort(list.begin(), list.end(),
                   [](const Condition& a, const Condition& b) { return a.type < b.type; });
}

}  // namespace lockkeeper::crds
