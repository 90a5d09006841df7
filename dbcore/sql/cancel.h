// Asking a server to cancel what a session runs, without ever blocking. Internal to dbcore/sql.
//
// PQcancel connects and waits without a limit: a peer that accepts and never answers would hold the
// caller for ever. So the request is sent here, over a connection of its own, as the protocol
// describes it; the key that it needs is caught from libpq's trace while connecting.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

struct pg_conn;

namespace lockkeeper::sql {

struct BackendKey {
  std::int32_t pid = 0;
  std::int32_t secret = 0;
};

// Listens to the trace of a connection that is being made; keeps nothing of it but the key.
class BackendKeyListener {
 public:
  explicit BackendKeyListener(pg_conn* connection);
  BackendKeyListener(const BackendKeyListener&) = delete;
  BackendKeyListener& operator=(const BackendKeyListener&) = delete;
  ~BackendKeyListener();
  // The last one heard: a connection may be tried on several hosts.
  [[nodiscard]] std::optional<BackendKey> key();

  struct Ear;  // what the stream writes into

 private:
  pg_conn* connection_;
  std::unique_ptr<Ear> ear_;
  std::FILE* stream_ = nullptr;
};

// Sends one request to where the connection's socket leads; false when it could not be sent within
// the limit. A request may be lost: callers repeat it.
bool send_cancel(int connection_socket, const BackendKey& key, std::chrono::milliseconds limit);

}  // namespace lockkeeper::sql
