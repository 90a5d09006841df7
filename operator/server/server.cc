#include "operator/server/server.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <list>
#include <thread>

#include "operator/server/certificate.h"
#include "operator/server/http_session.h"
#include "operator/server/listener.h"
#include "operator/server/stream.h"

namespace lockkeeper::server {
namespace {

// A process that is out of descriptors looks again after this.
constexpr int accept_pause_ms = 100;

// OpenSSL writes with write(2): a peer that has gone must not end the process.
void ignore_broken_pipes() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

class Server::Impl {
 public:
  Impl(base::Context ctx, Options options, Routes routes, Listener listener,
       std::unique_ptr<CertificateSource> certificate)
      : ctx_(std::move(ctx)),
        options_(std::move(options)),
        routes_(std::move(routes)),
        listener_(std::move(listener)),
        certificate_(std::move(certificate)),
        acceptor_([this] { accept_all(); }) {}

  ~Impl() { stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void stop() {
    stop_.request();
    if (acceptor_.joinable()) acceptor_.join();
    // Who was not accepted yet is told so.
    listener_.socket = Descriptor();
    connections_.clear();
  }
  [[nodiscard]] std::uint16_t port() const { return listener_.port; }

 private:
  struct Connection {
    std::atomic<bool> done{false};
    std::jthread thread;  // last: joined before the flag goes
  };

  void accept_all() {
    while (!stop_.requested()) {
      std::array<pollfd, 2> waiting{pollfd{listener_.socket.get(), POLLIN, 0},
                                    pollfd{stop_.fd(), POLLIN, 0}};
      poll(waiting.data(), waiting.size(), -1);
      if (stop_.requested()) return;
      const int fd =
          accept4(listener_.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        take(Descriptor(fd));
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        ctx_.log().warn("cannot accept a connection", {{"error", std::strerror(errno)}});
        poll(&waiting[1], 1, accept_pause_ms);
      }
    }
  }

  void take(Descriptor socket) {
    connections_.remove_if([](const Connection& connection) { return connection.done.load(); });
    if (connections_.size() >= static_cast<std::size_t>(options_.max_connections)) return;
    Connection& connection = connections_.emplace_back();
    connection.thread = std::jthread([this, &connection, held = std::move(socket)]() mutable {
      ignore_broken_pipes();
      run(std::move(held));
      connection.done = true;
    });
  }

  void run(Descriptor socket) {
    const TlsContext tls = certificate_ ? certificate_->current(ctx_.log()) : nullptr;
    Stream stream(std::move(socket), tls.get(), stop_, ctx_.clock());
    const auto met = stream.handshake(ctx_.clock().now() + options_.handshake_timeout);
    if (!met.ok()) {
      ctx_.log().debug("handshake failed", {{"error", met.error().text()}});
      return;
    }
    serve(ctx_, stream, options_, routes_);
    stream.finish();
  }

  const base::Context ctx_;
  const Options options_;
  const Routes routes_;
  Listener listener_;
  const std::unique_ptr<CertificateSource> certificate_;
  StopEvent stop_;
  std::list<Connection> connections_;  // the acceptor's alone until it has ended
  std::jthread acceptor_;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

base::Result<std::unique_ptr<Server>> Server::start(const base::Context& ctx, Options options,
                                                    Routes routes) {
  TRY(Listener listener, listen_on(options.bind));
  std::unique_ptr<CertificateSource> certificate;
  if (options.tls) {
    TRY(certificate, CertificateSource::open(options.certificate));
  }
  return std::unique_ptr<Server>(new Server(std::make_unique<Impl>(
      ctx, std::move(options), std::move(routes), std::move(listener), std::move(certificate))));
}

std::uint16_t Server::port() const {
  return impl_->port();
}
void Server::stop() {
  impl_->stop();
}

}  // namespace lockkeeper::server
