// HTTP to somebody else's server: one request with its answer, or an answer that keeps coming.
//
// A Transport stands for one endpoint (scheme, host, port, TLS identity) and its own connection
// pool; thread-safe. An HTTP status is never an error here: every answer that arrived whole is a
// Response. Errors are cancelled (the context was stopped) and unavailable (everything that the
// network, TLS or a time limit did). A request may be sent twice when a reused connection drops
// before the status line: whoever writes must make writes safe to repeat.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dbcore/base/context.h"
#include "dbcore/base/result.h"

namespace lockkeeper::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

// The first value of a header, compared without case; nullopt when it is absent.
std::optional<std::string_view> find_header(const Headers& headers, std::string_view name);

struct Request {
  std::string method = "GET";
  std::string target = "/";  // path and query, percent-encoded, appended to the endpoint's base URL
  Headers headers{};
  std::string body{};
  // From the first byte sent to the last byte received. The context's deadline counts too.
  std::chrono::milliseconds timeout{30'000};
  // Longest silence between two bytes of a streamed answer.
  std::chrono::milliseconds idle_timeout{30'000};
  // A longer body is an error (unavailable); for a streamed answer, of a body that is no 2xx.
  std::size_t max_body = std::size_t{256} << 20U;
};

struct Response {
  int status = 0;
  Headers headers{};
  std::string body{};  // empty when the body went to a sink

  [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
  // Retry-After in seconds or as a date; nullopt when absent or unreadable.
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after(
      std::chrono::system_clock::time_point now) const;
};

// Takes the next bytes of a streamed body; false ends the stream (not an error).
using ChunkSink = std::function<bool(std::string_view chunk)>;

class Transport {
 public:
  virtual ~Transport() = default;

  [[nodiscard]] virtual base::Result<Response> send(const base::Context& ctx,
                                                    const Request& request) = 0;

  // The body of a 2xx answer goes to the sink as it comes, in pieces of any size, called from this
  // thread. Returns when the peer ended the body, the sink said false, or it failed; an answer
  // with another status is collected into Response::body instead.
  [[nodiscard]] virtual base::Result<Response> stream(const base::Context& ctx,
                                                      const Request& request,
                                                      const ChunkSink& sink) = 0;
};

// A client certificate with its key, PEM.
struct ClientIdentity {
  std::string certificate_pem{};
  std::string key_pem{};
};

struct Tls {
  std::string ca_pem{};  // the only authorities trusted; empty: the system's
  // Asked on each new connection, so that a rotated authority is picked up; empty: ca_pem for good.
  // What cannot be used leaves the last good one. It must not block.
  std::function<std::string()> ca_source{};
  bool verify = true;  // off only where a user's file says so in as many words
  // Expected in the certificate instead of the URL's host; empty: the host.
  std::string server_name{};
  // Asked on each new connection, so that a rotated certificate is picked up; empty: none. It must
  // not block.
  std::function<std::optional<ClientIdentity>()> identity{};
};

struct Endpoint {
  std::string base_url{};  // "https://10.0.0.1:443"
  Tls tls{};
};

// On cpprestsdk. invalid when the URL cannot be used.
base::Result<std::shared_ptr<Transport>> make_transport(Endpoint endpoint);

// One GET to an address that a user named (checks of a switch): no redirects, no cookies, a fresh
// connection, a cap on the body.
struct OneShot {
  std::string url{};
  Headers headers{};
  std::string ca_pem{};  // empty: the system's authorities
  std::chrono::milliseconds timeout{5'000};
  std::size_t max_body = std::size_t{64} << 10U;  // what is longer is cut, not refused
  // Asked for each address that the name resolves to, before anything is sent to it (and it is that
  // address that is used): its error ends the request. Empty: every address is allowed.
  std::function<base::Result<void>(std::string_view address)> allow{};
};
base::Result<Response> get_once(const base::Context& ctx, const OneShot& request);

// Percent-encodes all but unreserved characters: for one path segment or one query value.
std::string encode_component(std::string_view text);

}  // namespace lockkeeper::http
