// One GET over a connection of its own, to an address that was judged first. Not on cpprestsdk: it
// resolves the name again by itself, and cannot connect to an IPv6 address.
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "dbcore/base/version.h"
#include "operator/http/body_reader.h"
#include "operator/http/resolve.h"
#include "operator/http/transport.h"
#include "operator/http/trust.h"
#include "operator/server/stream.h"

namespace lockkeeper::http {
namespace {

using server::Descriptor;
using server::StopEvent;
using server::Stream;

struct Url {
  bool tls = false;
  std::string host;       // without brackets
  std::string port;       // "443"
  std::string authority;  // as the Host header has it
  std::string target;     // path and query
};

base::Error no_url(const std::string& text) {
  return base::invalid("not an http or https URL: \"" + text + "\"");
}

bool is_port(std::string_view text) {
  constexpr std::size_t longest = 5;
  return !text.empty() && text.size() <= longest &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Splits "host", "host:1" or "[::1]:1"; false when it is none.
bool split_authority(std::string_view authority, Url& url) {
  std::string_view rest;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return false;
    url.host = authority.substr(1, end - 1);
    rest = authority.substr(end + 1);
  } else {
    const auto end = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, end);
    rest = authority.substr(end);
  }
  url.port = url.tls ? "443" : "80";
  if (!rest.empty()) {
    if (!rest.starts_with(':') || !is_port(rest.substr(1))) return false;
    url.port = rest.substr(1);
  }
  return !url.host.empty();
}

base::Result<Url> parse_url(const std::string& text) {
  const bool clean = std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; });
  std::string_view rest = text;
  Url url;
  url.tls = rest.starts_with("https://");
  if (!clean || (!url.tls && !rest.starts_with("http://"))) return no_url(text);
  rest.remove_prefix(rest.find("//") + 2);
  rest = rest.substr(0, rest.find('#'));
  const auto end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos) return no_url(text);
  url.authority = authority;
  url.target = rest.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (!split_authority(authority, url)) return no_url(text);
  return url;
}

class Shot {
 public:
  Shot(const base::Context& ctx, const OneShot& request, Url url)
      : ctx_(ctx),
        request_(request),
        url_(std::move(url)),
        deadline_(ctx.clock().now() +
                  std::min<base::Clock::Duration>(request.timeout, ctx.remaining())),
        on_stop_(ctx.stop(), [this] { stop_.request(); }) {}

  base::Result<Response> fire() {
    auto answer = perform();
    if (answer.ok()) return answer;
    TRY_OK(ctx_.check());
    const base::Error& error = answer.error();
    if (error.code != base::ErrorCode::unavailable) return answer;
    return base::Error(error).within("GET " + request_.url.substr(0, request_.url.find('?')));
  }

 private:
  base::Result<Response> perform() {
    TRY(const auto addresses, resolve(ctx_, url_.host, url_.port, left()));
    if (request_.allow) {
      for (const Address& address : addresses) TRY_OK(request_.allow(address.text));
    }
    TRY(Descriptor socket, connect_any(addresses));
    TRY(const auto tls, tls_context());
    Stream stream(std::move(socket), tls.get(), stop_, ctx_.clock());
    if (auto shaken = stream.connect_tls(url_.host, deadline_); !shaken.ok()) {
      const std::string refusal = trust_ ? trust_->refusal() : "";
      if (refusal.empty()) return shaken.error();
      return std::move(shaken).error().with_detail("the server's certificate was refused: " +
                                                   refusal);
    }
    TRY_OK(stream.write(head(), deadline_));
    return read_response(
        [&](char* buffer, std::size_t size) { return stream.read(buffer, size, deadline_); },
        request_.max_body);
  }

  [[nodiscard]] base::Clock::Duration left() const {
    return std::max<base::Clock::Duration>(deadline_ - ctx_.clock().now(), {});
  }

  base::Result<Descriptor> connect_any(const std::vector<Address>& addresses) {
    base::Error last = base::unavailable("no address");
    for (const Address& address : addresses) {
      auto connected = connect_one(address);
      if (connected.ok()) return connected;
      last = std::move(connected).error();
    }
    return last;
  }

  base::Result<Descriptor> connect_one(const Address& address) {
    Descriptor made(
        ::socket(address.socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto* to = reinterpret_cast<const sockaddr*>(&address.socket);
    if (made.get() < 0) return failed(address, errno);
    if (::connect(made.get(), to, address.size) == 0) return made;
    if (errno != EINPROGRESS) return failed(address, errno);
    std::array<pollfd, 2> waiting{pollfd{made.get(), POLLOUT, 0}, pollfd{stop_.fd(), POLLIN, 0}};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left()).count();
    if (poll(waiting.data(), waiting.size(), static_cast<int>(ms)) <= 0) {
      return failed(address, ETIMEDOUT);
    }
    if (waiting[0].revents == 0) return base::cancelled("stopped on request");
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(made.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return failed(address, error);
    return made;
  }

  static base::Error failed(const Address& address, int error) {
    return base::unavailable("cannot connect to " + address.text + ": " + std::strerror(error));
  }

  struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  using Context = std::unique_ptr<SSL_CTX, FreeContext>;

  // Null for plain text.
  base::Result<Context> tls_context() {
    if (!url_.tls) return Context();
    TRY(trust_, Trust::make(request_.ca_pem));
    Context context(SSL_CTX_new(TLS_client_method()));
    if (!context) return base::unavailable("no TLS context").with_detail(openssl_errors());
    trust_->apply(context.get());
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    return context;
  }

  [[nodiscard]] std::string head() const {
    std::string text = "GET " + url_.target + " HTTP/1.1\r\n";
    const auto add = [&](std::string_view name, std::string_view value) {
      const auto breaks = [](char c) { return c == '\r' || c == '\n'; };
      if (std::ranges::any_of(name, breaks) || std::ranges::any_of(value, breaks)) return;
      text.append(name).append(": ").append(value).append("\r\n");
    };
    if (!find_header(request_.headers, "Host")) add("Host", url_.authority);
    if (!find_header(request_.headers, "User-Agent")) {
      add("User-Agent", "lockkeeper/" + std::string(base::version()));
    }
    for (const auto& [name, value] : request_.headers) add(name, value);
    add("Accept", "*/*");
    add("Connection", "close");
    return text + "\r\n";
  }

  const base::Context& ctx_;
  const OneShot& request_;
  const Url url_;
  const base::Clock::Steady deadline_;
  std::shared_ptr<Trust> trust_;
  StopEvent stop_;
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace

base::Result<Response> get_once(const base::Context& ctx, const OneShot& request) {
  TRY_OK(ctx.check());
  TRY(Url url, parse_url(request.url));
  return Shot(ctx, request, std::move(url)).fire();
}

}  // namespace lockkeeper::http
