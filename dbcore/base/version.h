// The version of this build, as CMakeLists.txt states it.
#pragma once

#include <string_view>

namespace lockkeeper::base {

std::string_view version();

}  // namespace lockkeeper::base
