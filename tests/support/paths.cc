#include "tests/support/paths.h"

namespace lockkeeper::support {

std::filesystem::path source_dir() {
  return LK_SOURCE_DIR;
}
std::filesystem::path binary_dir() {
  return LK_BINARY_DIR;
}

}  // namespace lockkeeper::support
