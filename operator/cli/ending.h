// When a run without a cluster is over. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "crds/migration.h"

namespace lockkeeper::cli {

enum class Ending {
  going,    // until it is one of the others
  done,     // what was asked for is there
  failed,   // somebody must change the file
  waiting,  // for somebody: a person, a session, a window
};
std::string_view to_string(Ending ending);

struct Judgement {
  Ending ending = Ending::going;
  bool at_once = false;  // waiting: nothing that can happen by itself ends it
  std::string hint;      // what to do, for people
};

// of: what apply was asked; empty `until`: as the plan has it.
Judgement judge_apply(const crds::Migration& migration, std::optional<crds::Until> until,
                      std::chrono::sys_seconds now = {});
Judgement judge_rollback(const crds::Migration& migration);

}  // namespace lockkeeper::cli
