// The program: a verb of the command line, or the operator.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <iostream>

#include "operator/app.h"
#include "operator/cli/run.h"

int main(int argc, char** argv) {
  int result = 1;
  try {
    result = lockkeeper::cli::run(argc, argv, lockkeeper::app::run_operator);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lockkeeper: %s\n", error.what());
  }
  // The HTTP library's pool threads must not meet destructors of statics.
  std::cout.flush();
  std::fflush(nullptr);
  _exit(result);
}
