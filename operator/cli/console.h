// Where a verb writes: results to out, progress and notes to err. Tests give string streams.
#pragma once

#include <ostream>
#include <string_view>

#include "dbcore/base/context.h"
#include "operator/cli/verbs.h"

namespace lockkeeper::cli {

struct Console {
  std::ostream& out;
  std::ostream& err;
  bool terminal = false;  // err is one: progress may be redrawn in place
  int width = 80;
};

// "lockkeeper: message", detail and hint on lines of their own.
void print_error(const Console& console, const base::Error& error);
void print_note(const Console& console, std::string_view note);

// What an error means to those who called us.
ExitCode exit_code_of(const base::Error& error);

}  // namespace lockkeeper::cli
