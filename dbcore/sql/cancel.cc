#include "dbcore/sql/cancel.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <sstream>
#include <string_view>

#include "dbcore/sql/wait.h"

namespace lockkeeper::sql {

struct BackendKeyListener::Ear {
  std::string line;
  std::optional<BackendKey> key;
  std::array<char, 4096> buffer{};
};

namespace {

using Ear = BackendKeyListener::Ear;

// "... B 12 BackendKeyData 28889 1649008716"
void hear_line(Ear& ear) {
  constexpr std::string_view mark = "BackendKeyData";
  const std::size_t at = ear.line.find(mark);
  if (at != std::string::npos) {
    std::istringstream numbers(ear.line.substr(at + mark.size()));
    BackendKey key;
    if (numbers >> key.pid >> key.secret) ear.key = key;
  }
  ear.line.clear();
}

ssize_t hear(void* cookie, const char* text, std::size_t size) {
  auto& ear = *static_cast<Ear*>(cookie);
  for (const char c : std::string_view(text, size)) {
    if (c == '\n') {
      hear_line(ear);
    } else if (ear.line.size() < 256) {
      ear.line += c;
    }
  }
  return static_cast<ssize_t>(size);
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

bool connected(int socket, std::chrono::milliseconds limit) {
  if (wait_for(socket, POLLOUT, -1, limit) != Woken::socket) return false;
  int error = 0;
  socklen_t size = sizeof(error);
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

}  // namespace

BackendKeyListener::BackendKeyListener(pg_conn* connection)
    : connection_(connection), ear_(std::make_unique<Ear>()) {
  cookie_io_functions_t functions{};
  functions.write = hear;
  stream_ = ::fopencookie(ear_.get(), "w", functions);
  if (stream_ == nullptr) return;
  std::setvbuf(stream_, ear_->buffer.data(), _IOFBF, ear_->buffer.size());
  PQtrace(connection_, stream_);
}

BackendKeyListener::~BackendKeyListener() {
  if (stream_ == nullptr) return;
  PQuntrace(connection_);
  std::fclose(stream_);
  ::explicit_bzero(ear_->buffer.data(), ear_->buffer.size());
}

std::optional<BackendKey> BackendKeyListener::key() {
  if (stream_ != nullptr) std::fflush(stream_);
  return ear_->key;
}

bool send_cancel(int connection_socket, const BackendKey& key, std::chrono::milliseconds limit) {
  sockaddr_storage peer{};
  socklen_t size = sizeof(peer);
  auto* address = reinterpret_cast<sockaddr*>(&peer);
  if (::getpeername(connection_socket, address, &size) != 0) return false;
  const Descriptor socket(::socket(peer.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) return false;
  if (::connect(socket.get(), address, size) != 0 && errno != EINPROGRESS) return false;
  if (!connected(socket.get(), limit)) return false;
  constexpr std::uint32_t length = 16;
  constexpr std::uint32_t request = 80877102;  // 1234 << 16 | 5678
  const std::array<std::uint32_t, 4> packet{htonl(length), htonl(request),
                                            htonl(static_cast<std::uint32_t>(key.pid)),
                                            htonl(static_cast<std::uint32_t>(key.secret))};
  if (::send(socket.get(), packet.data(), sizeof(packet), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(sizeof(packet))) {
    return false;
  }
  // The server closes when it has acted. A pooler forgets a request whose sender has gone.
  wait_for(socket.get(), POLLIN, -1, limit);
  return true;
}

}  // namespace lockkeeper::sql
