// Runs the checks of spec.switch.checks, each when it is due, and counts failures in a row.
#pragma once

#include <optional>
#include <string>

#include "reconciler/situation.h"

namespace lockkeeper::reconcile {

struct ChecksVerdict {
  std::optional<std::string> failed;  // a check failed as often as it may
  bool all_passed = false;            // each was asked, and passed the last time
  std::string waiting_for;            // the first that did not, for people
};

// Time goes into the checks that are due: their timeouts bound it.
ChecksVerdict run_checks(Situation& s);

}  // namespace lockkeeper::reconcile
