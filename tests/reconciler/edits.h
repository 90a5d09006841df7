// What a person edits in the middle of things.
#pragma once

#include "crds/migration.h"

namespace lockkeeper::reconcile::testing {

inline void want_back(crds::MigrationSpec& spec) {
  spec.rollback = true;
}
inline void close_window(crds::MigrationSpec& spec) {
  // 12:00 is now; the window is a minute at midnight.
  spec.windows = {{"0 0 * * *", std::chrono::minutes(1), "UTC"}};
}
inline void approve_other(crds::MigrationSpec& spec) {
  spec.approval.plan_hash = "ffff";
}

}  // namespace lockkeeper::reconcile::testing
