// SIGTERM and SIGINT as a stop request. Made before any other thread, so that all inherit the mask.
#pragma once

#include <stop_token>
#include <thread>

namespace lockkeeper::app {

class Signals {
 public:
  // The first signal stops `root`; when the process is still there `grace` later, or at a second
  // signal, it leaves with exit code 1.
  explicit Signals(std::stop_source root);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  std::jthread thread_;
};

}  // namespace lockkeeper::app
