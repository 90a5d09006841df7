// argv into a verb. The only unit that includes CLI11.
#pragma once

#include <optional>
#include <string>

#include "operator/cli/verbs.h"

namespace lockkeeper::cli {

struct CommandLine {
  std::optional<Verb> verb;  // else: print `text` and leave with `exit_code`
  std::string text;
  int exit_code = exit_done;
};

// The value of --database-url is overwritten in argv: it may hold a password, and the process list
// shows argv to everybody. A reader who is quicker than the start of a process sees it all the
// same: $LOCKKEEPER_DATABASE_URL, $PGPASSWORD and ~/.pgpass stand in no list.
CommandLine parse_command_line(int argc, char** argv);

}  // namespace lockkeeper::cli
