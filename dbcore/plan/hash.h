// SHA-256 as 64 lower-case hex digits. Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace lockkeeper::plan {

std::string sha256(std::string_view text);

}  // namespace lockkeeper::plan
