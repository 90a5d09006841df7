// A small HTTP/1.1 server for health, metrics, gate answers and webhooks: plain or TLS.
//
// One thread accepts, one thread serves each connection (at most max_connections; a further one is
// closed at once). Every wait is a poll on the socket and on the stop event, with a deadline.
// Handlers run on connection threads, several at once, and must be thread-safe; what a handler
// needs, it captures.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dbcore/base/context.h"
#include "dbcore/base/result.h"

namespace lockkeeper::server {

struct Request {
  std::string method{};
  std::string path{};  // percent-decoded per segment where a route names the segment
  std::string query{};
  std::vector<std::pair<std::string, std::string>> headers{};     // names in lower case
  std::vector<std::pair<std::string, std::string>> parameters{};  // of the route: {namespace}
  std::string body{};

  // Empty when absent.
  [[nodiscard]] std::string_view header(std::string_view lower_case_name) const;
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string body{};
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers{};
};

using Handler = std::function<Response(const base::Context& ctx, const Request& request)>;

// Which handler answers which path: "/gates/v1/{namespace}/{migration}/{condition}". No match is
// 404; a path that matches for another method only is 405. GET answers HEAD too.
class Routes {
 public:
  Routes& add(std::string method, const std::string& pattern, Handler handler);
  [[nodiscard]] Response answer(const base::Context& ctx, Request& request) const;

 private:
  struct Route {
    std::string method{};
    std::vector<std::string> segments{};
    Handler handler;
  };
  std::vector<Route> routes_;
};

// Files are read again when they change; both empty: a self-signed certificate made in memory.
struct Certificate {
  std::filesystem::path certificate_file{};
  std::filesystem::path key_file{};
};

struct Options {
  std::string bind =
      ":8443";  // "host:port", ":port" (all addresses), "[::1]:port"; port 0 picks one
  bool tls = true;
  Certificate certificate{};
  std::chrono::milliseconds handshake_timeout{5'000};
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds body_timeout{10'000};
  std::chrono::milliseconds write_timeout{30'000};
  std::chrono::milliseconds idle_timeout{60'000};  // between two requests of one connection
  std::size_t max_body = std::size_t{7} << 20U;
  int max_connections = 200;
};

class Server {
 public:
  // Binds, reads or makes the certificate, and starts. invalid: the address or the files.
  static base::Result<std::unique_ptr<Server>> start(const base::Context& ctx, Options options,
                                                     Routes routes);
  ~Server();  // stops and joins
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  // Stops accepting, lets answers that are being written finish for at most a second, joins.
  void stop();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lockkeeper::server
