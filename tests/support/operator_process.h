// The built `lockkeeper operator` as a process beside a ControlPlane, under its own ServiceAccount.
//
//   OperatorProcess op(plane);            // returns when /readyz answers 200
//   op.kill();  op.restart();             // SIGKILL, and a new process
//   op.signal(SIGSTOP);
//
// Throws std::runtime_error with the end of its log when it does not get ready. Not thread-safe.
#pragma once

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/control_plane.h"
#include "tests/support/process.h"

namespace lockkeeper::support {

struct OperatorOptions {
  std::vector<std::string> arguments = {};  // more flags
  std::filesystem::path kubeconfig = {};    // empty: of ServiceAccount lockkeeper
  std::map<std::string, std::string> environment = {};
  bool await_ready = true;
};

class OperatorProcess {
 public:
  explicit OperatorProcess(const ControlPlane& plane, OperatorOptions options = {});

  // SIGKILL; restart() starts another with the same flags and log.
  void kill();
  void restart();
  // SIGTERM, and its exit code; nothing when it took longer than timeout.
  std::optional<int> stop(std::chrono::milliseconds timeout = std::chrono::seconds(25));
  void signal(int number) { process_->signal(number); }
  [[nodiscard]] bool running() { return process_->running(); }
  [[nodiscard]] pid_t pid() const { return process_->pid(); }

  // Everything that all of its processes logged.
  [[nodiscard]] std::string log() const { return read_file(folder_ / "operator.log"); }
  // The page of metrics; "" when it does not answer.
  [[nodiscard]] std::string metrics() const;
  // True when http://…/PATH of the health port answers 200.
  [[nodiscard]] bool healthy(const std::string& path = "readyz") const;
  [[nodiscard]] int metrics_port() const { return metrics_port_; }
  [[nodiscard]] int health_port() const { return health_port_; }

  // The program under test: lockkeeper of this build folder.
  static std::filesystem::path binary();

 private:
  void start();

  OperatorOptions options_;
  std::filesystem::path folder_;
  std::filesystem::path kubeconfig_;
  int metrics_port_;
  int health_port_;
  std::unique_ptr<Process> process_;
};

// Answer of a plain HTTP GET to 127.0.0.1, headers included; "" when nobody answers.
std::string http_get(int port, const std::string& path, const std::string& version = "1.1");

}  // namespace lockkeeper::support
