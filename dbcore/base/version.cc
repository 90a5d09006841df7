#include "dbcore/base/version.h"

namespace lockkeeper::base {

std::string_view version() {
  return LOCKKEEPER_VERSION;
}

}  // namespace lockkeeper::base
