#include "tests/support/operator_process.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "tests/support/await.h"
#include "tests/support/paths.h"
#include "tests/support/scratch.h"

namespace lockkeeper::support {

std::string http_get(int port, const std::string& path, const std::string& version) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{2, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  const auto request = fmt::format(
      "GET /{} HTTP/{}\r\nHost: 127.0.0.1\r\nUser-Agent: lockkeeper-tests\r\nConnection: "
      "close\r\n\r\n",
      path, version);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    std::array<char, 16384> buffer;
    for (;;) {
      const auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) break;
      answer.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  ::close(fd);
  return answer;
}

std::filesystem::path OperatorProcess::binary() {
  return binary_dir() / "lockkeeper";
}

OperatorProcess::OperatorProcess(const ControlPlane& plane, OperatorOptions options)
    : options_(std::move(options)),
      folder_(scratch_dir("operator")),
      kubeconfig_(options_.kubeconfig.empty() ? plane.operator_kubeconfig() : options_.kubeconfig),
      metrics_port_(free_port()),
      health_port_(free_port()) {
  start();
}

void OperatorProcess::start() {
  std::vector<std::string> command = {
      binary(),
      "operator",
      "--kubeconfig",
      kubeconfig_,
      "--leader-election-namespace",
      "lockkeeper-system",
      "--insecure-metrics",
      "--metrics-bind-address",
      fmt::format("127.0.0.1:{}", metrics_port_),
      "--health-probe-bind-address",
      fmt::format("127.0.0.1:{}", health_port_),
  };
  command.insert(command.end(), options_.arguments.begin(), options_.arguments.end());
  ProcessOptions how;
  how.environment = options_.environment;
  how.output = folder_ / "operator.log";
  process_ = std::make_unique<Process>(command, how);
  if (!options_.await_ready) return;
  const bool settled =
      await([this] { return healthy() || !running(); }, std::chrono::seconds(60)) && running();
  if (!settled) {
    const auto text = log();
    throw std::runtime_error("the operator did not get ready; its log ends:\n" +
                             text.substr(text.size() - std::min<std::size_t>(text.size(), 3000)));
  }
}

void OperatorProcess::kill() {
  process_->kill();
}

void OperatorProcess::restart() {
  kill();
  start();
}

std::optional<int> OperatorProcess::stop(std::chrono::milliseconds timeout) {
  process_->signal(SIGTERM);
  return process_->wait(timeout);
}

std::string OperatorProcess::metrics() const {
  return http_get(metrics_port_, "metrics");
}

bool OperatorProcess::healthy(const std::string& path) const {
  return http_get(health_port_, path).rfind("HTTP/1.1 200", 0) == 0;
}

}  // namespace lockkeeper::support
