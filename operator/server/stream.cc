#include "operator/server/stream.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace lockkeeper::server {
namespace {

constexpr std::chrono::seconds last_second{1};
// A deadline far away is looked at again after this, so that the count of milliseconds fits.
constexpr std::chrono::minutes longest_poll{10};

base::Error broken(std::string_view what) {
  return base::unavailable("the connection failed").with_detail(std::string(what));
}

bool try_again(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

StopEvent::StopEvent() : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void StopEvent::request() {
  requested_ = true;
  const std::uint64_t one = 1;
  // It fails only when it is signalled already.
  [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
}

Stream::Stream(Descriptor socket, SSL_CTX* tls, const StopEvent& stop, const base::Clock& clock)
    : socket_(std::move(socket)), stop_(stop), clock_(clock) {
  if (tls == nullptr) return;
  ssl_.reset(SSL_new(tls));
  SSL_set_fd(ssl_.get(), socket_.get());
  SSL_set_accept_state(ssl_.get());
}

base::Result<void> Stream::wait(short events, Deadline& deadline, OnStop on_stop) {
  while (true) {
    const bool stopping = stop_.requested();
    if (stopping && on_stop == OnStop::give_up) return base::cancelled("the server stops");
    if (stopping) deadline = std::min(deadline, clock_.now() + last_second);
    const auto left = std::min<base::Clock::Duration>(deadline - clock_.now(), longest_poll);
    if (left <= base::Clock::Duration::zero()) return base::unavailable("the peer is too slow");
    TRY(const bool ready, poll_once(events, left, stopping));
    if (ready) return {};
  }
}

base::Result<bool> Stream::poll_once(short events, base::Clock::Duration limit, bool stopping) {
  std::array<pollfd, 2> waiting{pollfd{socket_.get(), events, 0},
                                pollfd{stopping ? -1 : stop_.fd(), POLLIN, 0}};
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
  const int ready = poll(waiting.data(), waiting.size(), static_cast<int>(ms));
  if (ready < 0 && errno != EINTR) return broken(std::strerror(errno));
  return ready > 0 && waiting[0].revents != 0;
}

base::Result<short> Stream::wanted(int rc) const {
  switch (SSL_get_error(ssl_.get(), rc)) {
    case SSL_ERROR_WANT_READ: return static_cast<short>(POLLIN);
    case SSL_ERROR_WANT_WRITE: return static_cast<short>(POLLOUT);
    case SSL_ERROR_ZERO_RETURN: return static_cast<short>(0);
    default: break;
  }
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? "closed without notice" : ERR_reason_error_string(code);
  return broken(reason == nullptr ? "TLS" : reason);
}

base::Result<void> Stream::handshake(Deadline deadline) {
  return shake(SSL_accept, deadline);
}

base::Result<void> Stream::connect_tls(const std::string& host, Deadline deadline) {
  if (ssl_ == nullptr) return {};
  SSL_set_connect_state(ssl_.get());
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl_.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) != 1) {
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size());
    SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
  }
  return shake(SSL_connect, deadline);
}

base::Result<void> Stream::shake(int (*half)(SSL*), Deadline deadline) {
  while (ssl_ != nullptr) {
    ERR_clear_error();
    const int rc = half(ssl_.get());
    if (rc == 1) return {};
    TRY(const short events, wanted(rc));
    if (events == 0) return broken("closed in the handshake");
    TRY_OK(wait(events, deadline, OnStop::give_up));
  }
  return {};
}

base::Result<std::size_t> Stream::read(char* buffer, std::size_t size, Deadline deadline) {
  return ssl_ ? read_tls(buffer, size, deadline) : read_plain(buffer, size, deadline);
}

base::Result<std::size_t> Stream::read_plain(char* buffer, std::size_t size, Deadline deadline) {
  while (true) {
    const auto count = ::recv(socket_.get(), buffer, size, 0);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (!try_again(errno)) return broken(std::strerror(errno));
    TRY_OK(wait(POLLIN, deadline, OnStop::give_up));
  }
}

base::Result<std::size_t> Stream::read_tls(char* buffer, std::size_t size, Deadline deadline) {
  while (true) {
    ERR_clear_error();
    std::size_t count = 0;
    const int rc = SSL_read_ex(ssl_.get(), buffer, size, &count);
    if (rc == 1) return count;
    TRY(const short events, wanted(rc));
    if (events == 0) return std::size_t{0};
    TRY_OK(wait(events, deadline, OnStop::give_up));
  }
}

base::Result<void> Stream::write(std::string_view bytes, Deadline deadline) {
  return ssl_ ? write_tls(bytes, deadline) : write_plain(bytes, deadline);
}

base::Result<void> Stream::write_plain(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
      continue;
    }
    if (!try_again(errno)) return broken(std::strerror(errno));
    TRY_OK(wait(POLLOUT, deadline, OnStop::hurry));
  }
  return {};
}

base::Result<void> Stream::write_tls(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    ERR_clear_error();
    std::size_t count = 0;
    const int rc = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    if (rc == 1) {
      bytes.remove_prefix(count);
      continue;
    }
    TRY(const short events, wanted(rc));
    if (events == 0) return broken("closed by the peer");
    TRY_OK(wait(events, deadline, OnStop::hurry));
  }
  return {};
}

void Stream::finish() {
  if (ssl_ && SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
  ERR_clear_error();
  ::shutdown(socket_.get(), SHUT_WR);
}

}  // namespace lockkeeper::server
