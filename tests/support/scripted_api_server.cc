#include "tests/support/scripted_api_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace lockkeeper::support {
namespace {

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool receive(int fd, std::string& buffer) {
  std::array<char, 4096> bytes{};
  const auto count = ::recv(fd, bytes.data(), bytes.size(), 0);
  if (count <= 0) return false;
  buffer.append(bytes.data(), static_cast<std::size_t>(count));
  return true;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

void parse_head(std::string_view head, SeenRequest& request) {
  const auto first_end = head.find("\r\n");
  const auto line = head.substr(0, first_end);
  const auto method_end = line.find(' ');
  request.method = line.substr(0, method_end);
  request.target = line.substr(method_end + 1, line.rfind(' ') - method_end - 1);
  head.remove_prefix(first_end + 2);
  while (!head.empty()) {
    const auto end = std::min(head.find("\r\n"), head.size());
    const auto field = head.substr(0, end);
    const auto colon = field.find(':');
    const auto value = field.find_first_not_of(' ', colon + 1);
    request.headers.emplace_back(lower(std::string(field.substr(0, colon))),
                                 value == std::string_view::npos ? "" : field.substr(value));
    head.remove_prefix(std::min(end + 2, head.size()));
  }
}

}  // namespace

std::string SeenRequest::header(const std::string& lower_case_name) const {
  const auto found = std::ranges::find_if(
      headers, [&](const auto& header) { return header.first == lower_case_name; });
  return found == headers.end() ? "" : found->second;
}

ScriptedApiServer::ScriptedApiServer()
    : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, SOMAXCONN) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    throw std::runtime_error("cannot listen on loopback");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { accept_all(); });
}

ScriptedApiServer::~ScriptedApiServer() {
  {
    const base::Lock lock(mutex_);
    stop_ = true;
    stopped_.notify_all();
    for (const Connection& connection : connections_) ::shutdown(connection.fd, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  std::list<Connection> connections;
  {
    const base::Lock lock(mutex_);
    connections.swap(connections_);
  }
  for (Connection& connection : connections) {
    connection.thread.join();
    ::close(connection.fd);
  }
  ::close(listener_);
}

std::string ScriptedApiServer::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

void ScriptedApiServer::play(Reply reply) {
  const base::Lock lock(mutex_);
  script_.push_back(std::move(reply));
}

std::vector<SeenRequest> ScriptedApiServer::requests() const {
  const base::Lock lock(mutex_);
  return seen_;
}

std::size_t ScriptedApiServer::left() const {
  const base::Lock lock(mutex_);
  return script_.size();
}

void ScriptedApiServer::accept_all() {
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const base::Lock lock(mutex_);
    if (fd < 0 || stop_) {
      if (fd >= 0) ::close(fd);
      return;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Connection& connection = connections_.emplace_back();
    connection.fd = fd;
    connection.thread = std::jthread([this, fd] { serve(fd); });
  }
}

void ScriptedApiServer::serve(int fd) {
  std::string buffer;
  SeenRequest request;
  while (read_request(fd, buffer, request)) {
    if (!send_reply(fd, next(std::move(request)))) break;
    request = {};
  }
  ::shutdown(fd, SHUT_RDWR);
}

bool ScriptedApiServer::read_request(int fd, std::string& buffer, SeenRequest& request) const {
  auto end = buffer.find("\r\n\r\n");
  while (end == std::string::npos) {
    if (!receive(fd, buffer)) return false;
    end = buffer.find("\r\n\r\n");
  }
  parse_head(std::string_view(buffer).substr(0, end), request);
  buffer.erase(0, end + 4);
  const std::string length = request.header("content-length");
  const std::size_t size = length.empty() ? 0 : std::stoul(length);
  while (buffer.size() < size) {
    if (!receive(fd, buffer)) return false;
  }
  request.body = buffer.substr(0, size);
  buffer.erase(0, size);
  return true;
}

Reply ScriptedApiServer::next(SeenRequest request) {
  const base::Lock lock(mutex_);
  seen_.push_back(std::move(request));
  if (script_.empty()) return {.status = 500, .body = "the script has ended"};
  Reply reply = std::move(script_.front());
  script_.pop_front();
  return reply;
}

// True when the connection can take another request.
bool ScriptedApiServer::send_reply(int fd, const Reply& reply) {
  std::string head = fmt::format("HTTP/1.1 {} Scripted\r\n", reply.status);
  for (const auto& [name, value] : reply.headers) head += name + ": " + value + "\r\n";
  const bool chunked = !reply.chunks.empty() || reply.end != Reply::End::finish;
  head += chunked ? "Transfer-Encoding: chunked\r\n\r\n"
                  : fmt::format("Content-Length: {}\r\n\r\n", reply.body.size());
  if (!send_all(fd, head)) return false;
  if (!chunked) return send_all(fd, reply.body);
  for (const std::string& chunk : reply.chunks) {
    if (!send_all(fd, fmt::format("{:x}\r\n{}\r\n", chunk.size(), chunk))) return false;
  }
  if (reply.end == Reply::End::finish) return send_all(fd, "0\r\n\r\n");
  if (reply.end == Reply::End::hang) {
    base::Lock lock(mutex_);
    while (!stop_) stopped_.wait(lock);
  }
  return false;
}

}  // namespace lockkeeper::support
