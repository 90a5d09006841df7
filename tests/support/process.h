// A child process of a test: started, signalled, waited for, its output kept.
//
// It dies with the thread that started it (start long-lived ones from the test's own thread), and
// the guard of scratch.h kills it if the test program crashes. The destructor kills and waits. Not
// thread-safe but for output().
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lockkeeper::support {

struct ProcessOptions {
  std::map<std::string, std::string> environment;  // added to ours
  std::string user;                 // run as this user when we are root; empty: as ourselves
  std::filesystem::path directory;  // working directory; empty: ours
  std::filesystem::path output;  // file that both streams are appended to; empty: a file of its own
  std::string input;             // what it reads; at most 60 kB
  int guard_signal = SIGKILL;    // how the guard and our own death end it
};

class Process {
 public:
  // Throws std::runtime_error when it cannot be started.
  explicit Process(const std::vector<std::string>& command, const ProcessOptions& options = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // The process may be gone already: not an error.
  void signal(int number);
  // Exit code, or 128 + signal; nothing when it still runs after timeout.
  std::optional<int> wait(std::chrono::milliseconds timeout);
  [[nodiscard]] bool running();
  // SIGKILL and wait.
  void kill();
  // What it wrote so far, both streams.
  [[nodiscard]] std::string output() const;

 private:
  pid_t pid_ = -1;
  std::optional<int> exit_;
  std::filesystem::path output_;
};

struct ProcessResult {
  int exit_code = 0;  // 128 + signal when killed; 124 when it took too long
  std::string output;
};

// Runs to the end. Throws only when it cannot be started.
ProcessResult run(const std::vector<std::string>& command, const ProcessOptions& options = {},
                  std::chrono::milliseconds timeout = std::chrono::seconds(120));

// As run(), but throws std::runtime_error with the output when the exit code is not 0.
std::string run_checked(const std::vector<std::string>& command, const ProcessOptions& options = {},
                        std::chrono::milliseconds timeout = std::chrono::seconds(120));

std::string read_file(const std::filesystem::path& path);  // "" when absent
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace lockkeeper::support
