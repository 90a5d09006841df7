#include "operator/server/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace lockkeeper::server {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

struct HostPort {
  std::string host;
  std::string port;
};

base::Result<HostPort> split(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size()) {
    return base::invalid("\"" + address + "\" is no bind address")
        .with_hint("write host:port or :port");
  }
  HostPort parts{address.substr(0, colon), address.substr(colon + 1)};
  if (parts.host.size() > 2 && parts.host.front() == '[' && parts.host.back() == ']') {
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  }
  return parts;
}

base::Result<Addresses> resolve(const HostPort& parts) {
  addrinfo hints{};
  hints.ai_family = parts.host.empty() ? AF_INET6 : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int rc = getaddrinfo(parts.host.empty() ? nullptr : parts.host.c_str(), parts.port.c_str(),
                             &hints, &found);
  if (rc != 0) {
    return base::invalid("cannot bind " + parts.host + ":" + parts.port)
        .with_detail(gai_strerror(rc));
  }
  return Addresses(found);
}

base::Result<Descriptor> bind_to(const sockaddr* address, socklen_t size) {
  Descriptor socket(
      ::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  const int on = 1;
  const int off = 0;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->sa_family == AF_INET6) {
    setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (socket.get() < 0 || ::bind(socket.get(), address, size) != 0 ||
      ::listen(socket.get(), SOMAXCONN) != 0) {
    return base::invalid("cannot bind").with_detail(std::strerror(errno));
  }
  return socket;
}

std::uint16_t port_of(int socket) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  // The port has the same place in both families.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);
}

}  // namespace

base::Result<Listener> listen_on(const std::string& address) {
  TRY(HostPort parts, split(address));
  TRY(const Addresses addresses, resolve(parts));
  auto socket = bind_to(addresses->ai_addr, addresses->ai_addrlen);
  if (!socket.ok() && parts.host.empty()) {
    // A machine without IPv6.
    parts.host = "0.0.0.0";
    TRY(const Addresses others, resolve(parts));
    socket = bind_to(others->ai_addr, others->ai_addrlen);
  }
  if (!socket.ok()) return std::move(socket).error().within(address);
  const auto port = port_of(socket->get());
  return Listener{std::move(socket).value(), port};
}

}  // namespace lockkeeper::server
