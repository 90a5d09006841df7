#include "reconciler/runner.h"

namespace lockkeeper::reconcile {

std::string_view to_string(JobKind kind) {
  switch (kind) {
    case JobKind::expand: return "expand";
    case JobKind::contract: return "contract";
    case JobKind::roll_back: return "rollback";
  }
  return "";
}

}  // namespace lockkeeper::reconcile
