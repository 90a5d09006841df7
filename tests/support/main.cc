// The main of every test program: leaks are looked for while cpprest's pool threads still live,
// then the process leaves at once (see toolchain notes in tests/README.md).
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>

#include "tests/support/control_plane.h"
#include "tests/support/private_postgres.h"
#include "tests/support/scratch.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define LK_CHECK_LEAKS() __lsan_do_recoverable_leak_check()
#endif
#endif
#ifndef LK_CHECK_LEAKS
#define LK_CHECK_LEAKS() 0
#endif

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  int result = RUN_ALL_TESTS();
  lockkeeper::support::ControlPlane::stop_shared();
  lockkeeper::support::PrivatePostgres::stop_shared();
  lockkeeper::support::finish_scratch();
  if (LK_CHECK_LEAKS() != 0) result = 1;
  std::fflush(nullptr);
  _exit(result);
}
