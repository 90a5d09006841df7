#include "dbcore/base/result.h"

#include <cstdio>
#include <cstdlib>

namespace lockkeeper::base {

void die_of_unchecked(const Error& error) {
  std::fprintf(stderr, "lockkeeper: read the value of a failed result: %s\n", error.text().c_str());
  std::abort();
}

}  // namespace lockkeeper::base
