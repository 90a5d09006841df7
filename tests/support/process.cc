#include "tests/support/process.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/support/await.h"
#include "tests/support/scratch.h"

extern char** environ;

namespace lockkeeper::support {
namespace {

// All that the child needs, made before fork: after it only async-signal-safe calls are allowed.
struct Launch {
  std::vector<std::string> words;
  std::vector<char*> argv;
  std::vector<std::string> variables;
  std::vector<char*> envp;
  std::string directory;
  uid_t uid = 0;
  gid_t gid = 0;
  bool change_user = false;
  int input = -1;
  int output = -1;
  int failure = -1;  // the child writes errno here when it cannot exec
  int guard_signal = SIGKILL;
};

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (auto& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (added.count(std::string(text.substr(0, text.find('=')))) == 0) out.emplace_back(text);
  }
  for (const auto& [name, value] : added)
    out.push_back(std::string(name).append("=").append(value));
  return out;
}

[[noreturn]] void become(const Launch& launch) {
  if (launch.change_user && (::setgroups(1, &launch.gid) != 0 || ::setgid(launch.gid) != 0 ||
                             ::setuid(launch.uid) != 0)) {
    ::_exit(126);
  }
  // After the change of user, which clears it.
  ::prctl(PR_SET_PDEATHSIG, launch.guard_signal);
  ::dup2(launch.input, STDIN_FILENO);
  ::dup2(launch.output, STDOUT_FILENO);
  ::dup2(launch.output, STDERR_FILENO);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (launch.directory.empty() || ::chdir(launch.directory.c_str()) == 0) {
    ::execvpe(launch.argv[0], launch.argv.data(), launch.envp.data());
  }
  const int error = errno;
  [[maybe_unused]] const auto written = ::write(launch.failure, &error, sizeof error);
  ::_exit(127);
}

void choose_user(const std::string& user, Launch& launch) {
  if (user.empty() || ::geteuid() != 0) return;
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) throw std::runtime_error("no user " + user);
  launch.uid = entry->pw_uid;
  launch.gid = entry->pw_gid;
  launch.change_user = true;
}

int open_input(const std::string& text) {
  if (text.empty()) return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  if (text.size() > 60'000) throw std::runtime_error("more input than a pipe takes");
  [[maybe_unused]] const auto written = ::write(ends[1], text.data(), text.size());
  ::close(ends[1]);
  return ends[0];
}

pid_t start(Launch& launch) {
  int failure[2];
  if (::pipe2(failure, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  launch.failure = failure[1];
  const pid_t pid = ::fork();
  if (pid == 0) become(launch);
  ::close(failure[1]);
  ::close(launch.input);
  ::close(launch.output);
  int error = 0;
  const auto got = ::read(failure[0], &error, sizeof error);
  ::close(failure[0]);
  if (pid < 0 || got == sizeof error) {
    if (pid > 0) ::waitpid(pid, nullptr, 0);
    throw std::runtime_error(launch.words[0] + ": " + std::strerror(pid < 0 ? errno : error));
  }
  return pid;
}

int exit_code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Process::Process(const std::vector<std::string>& command, const ProcessOptions& options)
    : output_(options.output.empty() ? scratch_dir("process") / "output" : options.output) {
  Launch launch;
  launch.words = command;
  launch.argv = pointers(launch.words);
  launch.variables = merged_environment(options.environment);
  launch.envp = pointers(launch.variables);
  launch.directory = options.directory;
  launch.guard_signal = options.guard_signal;
  choose_user(options.user, launch);
  launch.input = open_input(options.input);
  launch.output = ::open(output_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  pid_ = start(launch);
  guard_pid(pid_, options.guard_signal);
}

Process::~Process() {
  kill();
}

void Process::signal(int number) {
  if (running()) ::kill(pid_, number);
}

bool Process::running() {
  if (exit_) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
  exit_ = exit_code_of(status);
  forget_pid(pid_);
  return false;
}

std::optional<int> Process::wait(std::chrono::milliseconds timeout) {
  if (!await([this] { return !running(); }, timeout)) return std::nullopt;
  return exit_;
}

void Process::kill() {
  if (exit_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  exit_ = exit_code_of(status);
  forget_pid(pid_);
}

std::string Process::output() const {
  return read_file(output_);
}

ProcessResult run(const std::vector<std::string>& command, const ProcessOptions& options,
                  std::chrono::milliseconds timeout) {
  Process process(command, options);
  const auto code = process.wait(timeout);
  if (!code) process.kill();
  return {code.value_or(124), process.output()};
}

std::string run_checked(const std::vector<std::string>& command, const ProcessOptions& options,
                        std::chrono::milliseconds timeout) {
  auto result = run(command, options, timeout);
  if (result.exit_code == 0) return std::move(result.output);
  std::string line;
  for (const auto& word : command) line += word + " ";
  throw std::runtime_error(line + ": exit " + std::to_string(result.exit_code) + "\n" +
                           result.output);
}

std::string read_file(const std::filesystem::path& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace lockkeeper::support
