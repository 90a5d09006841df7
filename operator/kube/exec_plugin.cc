#include "operator/kube/exec_plugin.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

#include "operator/kube/object.h"
#include "operator/kube/timestamps.h"

extern char** environ;

namespace lockkeeper::kube {
namespace {

constexpr std::chrono::seconds time_limit{60};
constexpr std::size_t largest_output = 1U << 20U;
constexpr int poll_ms = 50;

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

base::Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return base::unavailable("cannot make a pipe").with_detail(std::strerror(errno));
  }
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

class SpawnActions {
 public:
  SpawnActions() { posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

std::string exec_info(const ExecPlugin& plugin, const Kubeconfig& cluster) {
  Json info = {{"apiVersion", plugin.api_version},
               {"kind", "ExecCredential"},
               {"spec", {{"interactive", false}}}};
  if (plugin.provide_cluster_info) {
    Json& about = info["spec"]["cluster"];
    about["server"] = cluster.server;
    about["insecure-skip-tls-verify"] = cluster.insecure;
    if (!cluster.server_name.empty()) about["tls-server-name"] = cluster.server_name;
    if (!cluster.ca_pem.empty()) {
      about["certificate-authority-data"] = encode_base64(cluster.ca_pem);
    }
  }
  return info.dump();
}

std::vector<std::string> environment_for(const ExecPlugin& plugin, const Kubeconfig& cluster) {
  std::vector<std::string> variables;
  for (char** each = environ; *each != nullptr; ++each) variables.emplace_back(*each);
  const auto set = [&](const std::string& name, const std::string& value) {
    std::erase_if(variables, [&](const std::string& old) { return old.starts_with(name + "="); });
    variables.push_back(name + "=" + value);
  };
  for (const auto& [name, value] : plugin.environment) set(name, value);
  set("KUBERNETES_EXEC_INFO", exec_info(plugin, cluster));
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

base::Result<pid_t> spawn(const ExecPlugin& plugin, const Kubeconfig& cluster, const Pipe& out,
                          const Pipe& err) {
  std::string command = plugin.command;
  if (command.find('/') != std::string::npos) command = (plugin.folder / command).string();
  std::vector<std::string> arguments{command};
  arguments.insert(arguments.end(), plugin.arguments.begin(), plugin.arguments.end());
  std::vector<std::string> variables = environment_for(plugin, cluster);
  SpawnActions actions;
  posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(actions.get(), out.write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(actions.get(), err.write.get(), STDERR_FILENO);
  pid_t child = 0;
  const int rc = posix_spawnp(&child, command.c_str(), actions.get(), nullptr,
                              pointers(arguments).data(), pointers(variables).data());
  if (rc == 0) return child;
  return base::precondition("cannot run the credential plugin " + plugin.command)
      .with_detail(std::strerror(rc))
      .with_hint(plugin.install_hint);
}

// What is there now is appended; false at the end of the stream.
bool read_some(int fd, std::string& text) {
  std::array<char, 4096> bytes{};
  const auto count = ::read(fd, bytes.data(), bytes.size());
  if (count < 0) return errno == EINTR || errno == EAGAIN;
  if (text.size() < largest_output) text.append(bytes.data(), static_cast<std::size_t>(count));
  return count > 0;
}

struct Output {
  std::string out;
  std::string err;
};

// Reads both streams until the child has closed them.
base::Result<Output> collect(const base::Context& ctx, Pipe& out, Pipe& err) {
  Output output;
  while (out.read.get() >= 0 || err.read.get() >= 0) {
    TRY_OK(ctx.check());
    std::array<pollfd, 2> waiting{pollfd{out.read.get(), POLLIN, 0},
                                  pollfd{err.read.get(), POLLIN, 0}};
    if (poll(waiting.data(), waiting.size(), poll_ms) <= 0) continue;
    if (waiting[0].revents != 0 && !read_some(out.read.get(), output.out)) out.read.close();
    if (waiting[1].revents != 0 && !read_some(err.read.get(), output.err)) err.read.close();
  }
  return output;
}

int reap(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string text_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

base::Result<ExecCredential> parse_exec_credential(const std::string& text) {
  const Json parsed = Json::parse(text, nullptr, false);
  if (!parsed.is_object() || text_member(parsed, "kind") != "ExecCredential" ||
      !parsed.contains("status") || !parsed["status"].is_object()) {
    return base::precondition(
        "the credential plugin did not print an ExecCredential with a status");
  }
  const Json& status = parsed["status"];
  ExecCredential credential;
  credential.token = text_member(status, "token");
  const std::string certificate = text_member(status, "clientCertificateData");
  const std::string key = text_member(status, "clientKeyData");
  if (!certificate.empty() && !key.empty()) {
    credential.identity = http::ClientIdentity{certificate, key};
  }
  if (credential.token.empty() && !credential.identity) {
    return base::precondition("the credential plugin gave neither a token nor a certificate");
  }
  credential.expires = parse_timestamp(text_member(status, "expirationTimestamp"));
  return credential;
}

base::Result<ExecCredential> run_exec_plugin(const base::Context& ctx, const ExecPlugin& plugin,
                                             const Kubeconfig& cluster) {
  TRY(Pipe out, make_pipe());
  TRY(Pipe err, make_pipe());
  TRY(const pid_t child, spawn(plugin, cluster, out, err));
  out.write.close();
  err.write.close();
  const auto output = collect(ctx.with_timeout(time_limit), out, err);
  if (!output.ok()) kill(child, SIGKILL);
  const int status = reap(child);
  if (!output.ok()) return output.error();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return base::precondition("the credential plugin " + plugin.command + " failed")
        .with_detail(output->err.substr(0, 500))
        .with_hint(plugin.install_hint);
  }
  return parse_exec_credential(output->out);
}

}  // namespace lockkeeper::kube
