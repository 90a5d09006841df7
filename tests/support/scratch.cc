#include "tests/support/scratch.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>

#include "dbcore/base/mutex.h"
#include "tests/support/paths.h"

namespace lockkeeper::support {
namespace {

namespace fs = std::filesystem;

class Scratch {
 public:
  Scratch() {
    // Sockets live below: their path may have 107 bytes only.
    fs::path parent = fs::temp_directory_path();
    if (parent.native().size() > 40) parent = "/tmp";
    std::string name = parent / "lk-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    root_ = name;
    fs::permissions(root_, fs::perms(0755));
    fs::create_directory(root_ / "pids");
    start_guard();
  }

  fs::path folder(std::string_view name) {
    fs::path made = root_ / (std::string(name) + "-" + std::to_string(++made_));
    fs::create_directory(made);
    fs::permissions(made, fs::perms(0755));
    return made;
  }

  [[nodiscard]] fs::path pid_file(pid_t pid) const { return root_ / "pids" / std::to_string(pid); }

  void end() const {
    ::close(pipe_);
    ::waitpid(guard_, nullptr, 0);
  }

 private:
  void start_guard() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    const std::string script = source_dir() / "tests/support/reaper.sh";
    const std::string root = root_;
    guard_ = ::fork();
    if (guard_ == 0) {
      ::setsid();
      ::dup2(ends[0], STDIN_FILENO);
      // A runner that reads our output to its end must not wait for the guard.
      const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
      ::dup2(null, STDOUT_FILENO);
      ::execl("/bin/bash", "bash", script.c_str(), root.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(ends[0]);
    pipe_ = ends[1];
  }

  fs::path root_;
  pid_t guard_ = -1;
  int pipe_ = -1;
  int made_ = 0;
};

base::Mutex mutex;
std::optional<Scratch> scratch LK_GUARDED_BY(mutex);

Scratch& the_scratch() LK_REQUIRES(mutex) {
  if (!scratch) scratch.emplace();
  return *scratch;
}

std::string signal_name(int signal) {
  switch (signal) {
    case SIGQUIT: return "QUIT";
    case SIGINT: return "INT";
    case SIGTERM: return "TERM";
    default: return "KILL";
  }
}

}  // namespace

fs::path scratch_dir(std::string_view name) {
  const base::Lock lock(mutex);
  return the_scratch().folder(name);
}

void guard_pid(pid_t pid, int signal) {
  const base::Lock lock(mutex);
  std::ofstream(the_scratch().pid_file(pid)) << signal_name(signal);
}

void forget_pid(pid_t pid) {
  const base::Lock lock(mutex);
  std::error_code ignored;
  fs::remove(the_scratch().pid_file(pid), ignored);
}

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound = ::bind(fd, generic, size) == 0 && ::getsockname(fd, generic, &size) == 0;
  ::close(fd);
  if (!bound) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

void finish_scratch() {
  const base::Lock lock(mutex);
  if (scratch) scratch->end();
  scratch.reset();
}

}  // namespace lockkeeper::support
