// Where the checkout and the build folder of the running test program are.
#pragma once

#include <filesystem>

namespace lockkeeper::support {

std::filesystem::path source_dir();
std::filesystem::path binary_dir();  // of the CMake build that made this program

}  // namespace lockkeeper::support
