// A connection string (postgresql://... or key=value) as an Endpoint. Pure, thread-safe.
//
// Only keys of a list are taken. What came from a Secret of a user must not name files or services
// of the machine that we run on, nor server options that would undo our session settings; a person
// at the command line may name certificate files.
#pragma once

#include <string_view>

#include "dbcore/base/result.h"
#include "dbcore/sql/session.h"

namespace lockkeeper::sql {

enum class ConninfoSource { secret, command_line };

// invalid when it does not parse or holds another key; no message ever repeats the string's values.
base::Result<Endpoint> parse_conninfo(std::string_view text, ConninfoSource source);

}  // namespace lockkeeper::sql
