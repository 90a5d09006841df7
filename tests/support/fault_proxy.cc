#include "tests/support/fault_proxy.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <stdexcept>
#include <utility>
#include <vector>

#include "dbcore/base/clock.h"

namespace lockkeeper::support {
namespace {

using Steady = base::Clock::Steady;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

void reset(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(fd);
}

// Bytes on their way in one direction.
struct Pipe {
  struct Piece {
    Steady due;
    std::string bytes;
  };
  int from = -1;
  int to = -1;
  std::deque<Piece> pieces;
  bool ended = false;   // the sender has said that it is done
  bool closed = false;  // and the receiver has been told
};

enum class Flow { open, broken };

// Reads what is there; appends it as one piece.
Flow read_piece(Pipe& pipe, Steady due, std::string* seen) {
  std::array<char, 65536> buffer;
  const auto got = ::recv(pipe.from, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Flow::open : Flow::broken;
  if (got == 0) {
    pipe.ended = true;
    return Flow::open;
  }
  std::string bytes(buffer.data(), static_cast<std::size_t>(got));
  if (seen != nullptr) *seen = bytes;
  pipe.pieces.push_back({due, std::move(bytes)});
  return Flow::open;
}

// Writes the pieces that are due, as far as the receiver takes them.
Flow write_due(Pipe& pipe, Steady now) {
  while (!pipe.pieces.empty() && pipe.pieces.front().due <= now) {
    auto& bytes = pipe.pieces.front().bytes;
    const auto sent = ::send(pipe.to, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR ? Flow::open : Flow::broken;
    bytes.erase(0, static_cast<std::size_t>(sent));
    if (!bytes.empty()) return Flow::open;
    pipe.pieces.pop_front();
  }
  if (pipe.ended && pipe.pieces.empty() && !pipe.closed) {
    ::shutdown(pipe.to, SHUT_WR);
    pipe.closed = true;
  }
  return Flow::open;
}

}  // namespace

class FaultProxy::Link {
 public:
  Link(int client, int server) : up_{client, server, {}}, down_{server, client, {}} {}
  ~Link() {
    reset(up_.from);
    reset(up_.to);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void add_to(std::vector<pollfd>& fds, const Orders& orders) const {
    for (const Pipe* pipe : {&up_, &down_}) {
      const bool read = !orders.hang && !pipe->ended;
      fds.push_back({read ? pipe->from : -1, POLLIN, 0});  // -1: poll passes over it
    }
  }

  // Flow::broken when the link is over. sprung: the armed text was seen.
  Flow step(const Orders& orders, bool& sprung) {
    if (orders.hang) return Flow::open;
    const auto now = base::Clock::real().now();
    std::string seen;
    if (!up_.ended && read_piece(up_, now + orders.delay, &seen) == Flow::broken) {
      return Flow::broken;
    }
    if (!orders.trap.empty() && seen.find(orders.trap) != std::string::npos) {
      sprung = true;
      if (orders.after == After::forwarding) flush_and_await_answer();
      return Flow::broken;
    }
    if (!down_.ended && read_piece(down_, now + orders.delay, nullptr) == Flow::broken) {
      return Flow::broken;
    }
    if (write_due(up_, now) == Flow::broken || write_due(down_, now) == Flow::broken) {
      return Flow::broken;
    }
    return up_.closed && down_.closed ? Flow::broken : Flow::open;
  }

  [[nodiscard]] bool waiting() const { return !up_.pieces.empty() || !down_.pieces.empty(); }

 private:
  // The server has the piece for certain only when it answers; the answer itself is dropped.
  void flush_and_await_answer() {
    write_due(up_, Steady::max());
    pollfd answer{down_.from, POLLIN, 0};
    ::poll(&answer, 1, 10'000);
  }

  Pipe up_;
  Pipe down_;
};

FaultProxy::FaultProxy(int target_port) : target_port_(target_port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    throw std::runtime_error("fault proxy cannot listen");
  }
  port_ = ntohs(address.sin_port);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

FaultProxy::~FaultProxy() {
  thread_.request_stop();
  change([](Orders&) {});
  thread_.join();
  ::close(listener_);
  ::close(wake_);
}

void FaultProxy::change(const std::function<void(Orders&)>& edit) {
  {
    const base::Lock lock(mutex_);
    edit(orders_);
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

void FaultProxy::cut() {
  change([](Orders& orders) { orders.cut = true; });
}
void FaultProxy::hang() {
  change([](Orders& orders) { orders.hang = true; });
}
void FaultProxy::refuse() {
  change([](Orders& orders) { orders.refuse = true; });
}
void FaultProxy::delay(std::chrono::milliseconds each) {
  change([each](Orders& orders) { orders.delay = each; });
}
void FaultProxy::resume() {
  change([](Orders& orders) { orders = {}; });
}

void FaultProxy::cut_when_client_sends(std::string text, After after) {
  {
    const base::Lock lock(mutex_);
    was_cut_ = false;
  }
  change([&](Orders& orders) {
    orders.trap = text;
    orders.after = after;
  });
}

bool FaultProxy::was_cut() const {
  const base::Lock lock(mutex_);
  return was_cut_;
}

int FaultProxy::accepted() const {
  return accepted_;
}
int FaultProxy::open() const {
  return open_;
}

FaultProxy::Orders FaultProxy::take_orders() {
  const base::Lock lock(mutex_);
  Orders taken = orders_;
  orders_.cut = false;
  return taken;
}

void FaultProxy::trap_sprung() {
  const base::Lock lock(mutex_);
  was_cut_ = true;
  orders_.trap.clear();
}

void FaultProxy::accept_one(const Orders& orders) {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  ++accepted_;
  const int server = orders.refuse ? -1 : ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(target_port_);
  if (server < 0 || ::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    reset(client);
    if (server >= 0) ::close(server);
    return;
  }
  const int on = 1;
  ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  links_.push_back(std::make_unique<Link>(client, server));
}

bool FaultProxy::await_event(const Orders& orders) {
  std::vector<pollfd> fds = {{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
  bool waiting = false;
  for (const auto& link : links_) {
    link->add_to(fds, orders);
    waiting = waiting || link->waiting();
  }
  // Pieces that are delayed, or that a slow receiver did not take, are looked at every 2 ms.
  ::poll(fds.data(), fds.size(), waiting && !orders.hang ? 2 : -1);
  std::uint64_t ignored = 0;
  [[maybe_unused]] const auto got = ::read(wake_, &ignored, sizeof ignored);
  return (fds[1].revents & POLLIN) != 0;
}

bool FaultProxy::is_over(Link& link, Orders& orders) {
  bool sprung = false;
  const bool over = link.step(orders, sprung) == Flow::broken;
  if (sprung) {
    trap_sprung();
    orders.trap.clear();
  }
  return over;
}

void FaultProxy::serve(const std::stop_token& stop) {
  Orders orders;
  while (!stop.stop_requested()) {
    const bool knocked = await_event(orders);
    orders = take_orders();
    if (orders.cut) links_.clear();
    if (knocked) accept_one(orders);
    links_.remove_if([&](const auto& link) { return is_over(*link, orders); });
    open_ = static_cast<int>(links_.size());
  }
  links_.clear();
}

}  // namespace lockkeeper::support
