// A gate: open, or closed with a reason for programs and a message for people that says who can end
// the wait. A value.
#pragma once

#include <string>
#include <utility>

#include "crds/reasons.h"

namespace lockkeeper::reconcile {

struct Verdict {
  bool open = true;
  crds::Reason reason = crds::Reason::healthy;
  std::string message;
  bool operator==(const Verdict&) const = default;
};

inline Verdict open_gate() {
  return {};
}
inline Verdict closed(crds::Reason reason, std::string message) {
  return {false, reason, std::move(message)};
}

}  // namespace lockkeeper::reconcile
