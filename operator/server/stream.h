// One connection: a non-blocking socket, with TLS over it or not, whose every wait is a
// poll on the socket and the stop event with a deadline. One owner.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "dbcore/base/clock.h"
#include "dbcore/base/result.h"

namespace lockkeeper::server {

// A file descriptor that is closed at the end.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// Something that poll sees once it was requested; thread-safe.
class StopEvent {
 public:
  StopEvent();
  void request();
  [[nodiscard]] bool requested() const { return requested_.load(); }
  [[nodiscard]] int fd() const { return event_.get(); }

 private:
  Descriptor event_;
  std::atomic<bool> requested_{false};
};

class Stream {
 public:
  using Deadline = base::Clock::Steady;

  // tls: null for plain text. stop and clock must outlive it.
  Stream(Descriptor socket, SSL_CTX* tls, const StopEvent& stop, const base::Clock& clock);

  // The server's half of the TLS handshake; nothing without TLS.
  [[nodiscard]] base::Result<void> handshake(Deadline deadline);
  // The client's: the peer's certificate must be for this host, a name or an address.
  [[nodiscard]] base::Result<void> connect_tls(const std::string& host, Deadline deadline);
  // At least one byte; 0 when the peer has closed. cancelled on stop, unavailable at the deadline.
  [[nodiscard]] base::Result<std::size_t> read(char* buffer, std::size_t size, Deadline deadline);
  // All of it. A stop does not end it, but leaves it one second.
  [[nodiscard]] base::Result<void> write(std::string_view bytes, Deadline deadline);
  // Tells a TLS peer that this is the end, without waiting for its answer.
  void finish();

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  enum class OnStop { give_up, hurry };

  base::Result<void> shake(int (*half)(SSL*), Deadline deadline);
  base::Result<void> wait(short events, Deadline& deadline, OnStop on_stop);
  // True when the socket has something; false when the time is over or a stop came.
  base::Result<bool> poll_once(short events, base::Clock::Duration limit, bool stopping);
  // What an OpenSSL call that did not succeed waits for; an error when it waits for nothing.
  base::Result<short> wanted(int rc) const;
  base::Result<std::size_t> read_plain(char* buffer, std::size_t size, Deadline deadline);
  base::Result<std::size_t> read_tls(char* buffer, std::size_t size, Deadline deadline);
  base::Result<void> write_plain(std::string_view bytes, Deadline deadline);
  base::Result<void> write_tls(std::string_view bytes, Deadline deadline);

  Descriptor socket_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  const StopEvent& stop_;
  const base::Clock& clock_;
};

}  // namespace lockkeeper::server
