// The only unit that includes cpprestsdk. Its exceptions end here, its tasks are waited for with
// our stop token and our deadlines, and a request is given up by its cancellation token, which
// closes the connection.
#include <cpprest/http_client.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "dbcore/base/version.h"
#include "operator/http/transport.h"
#include "operator/http/trust.h"

namespace lockkeeper::http {
namespace {

using SteadyClock = std::chrono::steady_clock;
using StreamBuffer = concurrency::streams::streambuf<std::uint8_t>;

constexpr std::size_t pool_threads = 4;
// How long a cancelled request may take to come to its end before it is left behind.
constexpr std::chrono::seconds grace{2};

void start_pool() {
  static std::once_flag once;
  std::call_once(once, [] {
    try {
      crossplat::threadpool::initialize_with_threads(pool_threads);
    } catch (const std::exception&) {
      // Somebody was first: the pool has its default size then.
    }
  });
}

struct Bell {
  std::mutex mutex;
  std::condition_variable_any rung;
  bool done = false;

  void ring() {
    const std::lock_guard lock(mutex);
    done = true;
    rung.notify_all();
  }
  bool wait(const std::stop_token& stop, SteadyClock::time_point until) {
    std::unique_lock lock(mutex);
    return rung.wait_until(lock, stop, until, [this] { return done; });
  }
};

// True when the task is done, well or not; its exception counts as seen.
template <typename T>
bool wait_for(const pplx::task<T>& task, const std::stop_token& stop,
              SteadyClock::time_point until) {
  if (task.is_done()) return true;
  auto bell = std::make_shared<Bell>();
  task.then([bell](const pplx::task<T>& finished) {
    try {
      finished.wait();
    } catch (...) {
      // Seen, so that the library does not end the process over it; whoever takes the value gets
      // it.
    }
    bell->ring();
  });
  return bell->wait(stop, until);
}

SteadyClock::time_point after(base::Clock::Duration d) {
  const auto now = SteadyClock::now();
  return d < SteadyClock::time_point::max() - now ? now + d : SteadyClock::time_point::max();
}

// One request under way: its limits, its cancellation, and what its failures are called.
class Exchange {
 public:
  Exchange(const base::Context& ctx, const Request& request, std::string where)
      : ctx_(ctx),
        deadline_(after(std::min<base::Clock::Duration>(request.timeout, ctx.remaining()))),
        idle_(request.idle_timeout),
        where_(std::move(where)) {}
  // A request that has not come to its end gives up its connection.
  ~Exchange() {
    if (!complete_) give_up();
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  [[nodiscard]] pplx::cancellation_token token() const { return source_.get_token(); }

  // The task's value; cancelled or unavailable when it did not come in time.
  template <typename T>
  base::Result<T> await(const pplx::task<T>& task, bool idle_counts) {
    const auto until = idle_counts ? std::min(deadline_, after(idle_)) : deadline_;
    if (!wait_for(task, ctx_.stop(), until)) {
      give_up();
      wait_for(task, {}, after(grace));
      if (ctx_.stop().stop_requested()) return base::cancelled("stopped on request");
      const bool silent = until < deadline_;
      return base::unavailable(where_ + (silent ? ": no answer for too long" : ": timed out"));
    }
    try {
      return task.get();
    } catch (const std::exception& e) {
      return failure(e.what());
    }
  }

  // The answer was read to its end: the connection may serve the next request.
  void complete() { complete_ = true; }

  [[nodiscard]] base::Error failure(std::string_view what) const {
    if (ctx_.stop().stop_requested()) return base::cancelled("stopped on request");
    return base::unavailable(where_ + ": " + std::string(what));
  }

 private:
  void give_up() noexcept {
    try {
      source_.cancel();
    } catch (...) {
      // It can only run out of memory; the request then ends when its connection does.
    }
  }

  const base::Context& ctx_;
  SteadyClock::time_point deadline_;
  std::chrono::milliseconds idle_;
  std::string where_;
  bool complete_ = false;
  pplx::cancellation_token_source source_;
};

web::http::http_request to_cpprest(const Request& request, const std::string& server_name) {
  web::http::http_request out(request.method);
  out.set_request_uri(web::uri(request.target));
  out.headers().add("User-Agent", "lockkeeper/" + std::string(base::version()));
  // The library verifies the certificate against this header when there is one.
  if (!server_name.empty()) out.headers().add("Host", server_name);
  std::string content_type = "application/json";
  for (const auto& [name, value] : request.headers) {
    if (name == "Content-Type") {
      content_type = value;
    } else {
      out.headers().add(name, value);
    }
  }
  if (!request.body.empty()) out.set_body(request.body, content_type);
  return out;
}

Response head_of(const web::http::http_response& answer) {
  Response response;
  response.status = answer.status_code();
  for (const auto& [name, value] : answer.headers()) response.headers.emplace_back(name, value);
  return response;
}

// Reads the body to its end or until the sink has enough.
base::Result<void> drain(Exchange& exchange, StreamBuffer body, bool idle_counts,
                         const ChunkSink& sink) {
  while (true) {
    TRY(const auto first, exchange.await(body.getc(), idle_counts));
    if (first == StreamBuffer::traits::eof()) {
      exchange.complete();
      return {};
    }
    const std::size_t size = std::max<std::size_t>(body.in_avail(), 1);
    // Shared with the task: it may be left behind and still write.
    const auto chunk = std::make_shared<std::vector<std::uint8_t>>(size);
    auto reading =
        body.getn(chunk->data(), size).then([chunk](std::size_t count) { return count; });
    TRY(const auto count, exchange.await(reading, idle_counts));
    const std::string_view bytes(reinterpret_cast<const char*>(chunk->data()), count);
    if (!sink(bytes)) return {};
  }
}

class CpprestTransport final : public Transport {
 public:
  CpprestTransport(std::string base_url, std::string server_name, std::shared_ptr<Trust> trust,
                   const web::http::client::http_client_config& config)
      : base_url_(std::move(base_url)),
        server_name_(std::move(server_name)),
        trust_(std::move(trust)),
        client_(web::uri(base_url_), config) {}

  base::Result<Response> send(const base::Context& ctx, const Request& request) override {
    return guarded(ctx, request, nullptr);
  }
  base::Result<Response> stream(const base::Context& ctx, const Request& request,
                                const ChunkSink& sink) override {
    return guarded(ctx, request, &sink);
  }

 private:
  base::Result<Response> guarded(const base::Context& ctx, const Request& request,
                                 const ChunkSink* sink) {
    TRY_OK(ctx.check());
    const std::string path = request.target.substr(0, request.target.find('?'));
    Exchange exchange(ctx, request, request.method + " " + base_url_ + path);
    try {
      return perform(exchange, request, sink);
    } catch (const std::exception& e) {
      return exchange.failure(e.what());
    }
  }

  base::Result<Response> perform(Exchange& exchange, const Request& request,
                                 const ChunkSink* sink) {
    auto asked = client_.request(to_cpprest(request, server_name_), exchange.token());
    auto answered = exchange.await(asked, false);
    if (!answered.ok()) return explain(std::move(answered).error());
    const web::http::http_response answer = std::move(answered).value();
    // Its exception would otherwise stay unseen when the body is left before its end.
    answer.content_ready().then([](const pplx::task<web::http::http_response>& ready) {
      try {
        ready.wait();
      } catch (...) {
        // The reader of the body gets the same exception.
      }
    });
    Response response = head_of(answer);
    auto body = answer.body().streambuf();
    if (sink != nullptr && response.ok()) {
      TRY_OK(drain(exchange, body, true, *sink));
      return response;
    }
    bool too_long = false;
    TRY_OK(drain(exchange, body, false, [&](std::string_view chunk) {
      too_long = response.body.size() + chunk.size() > request.max_body;
      if (!too_long) response.body += chunk;
      return !too_long;
    }));
    if (too_long) return exchange.failure("the answer is longer than allowed");
    return response;
  }

  [[nodiscard]] base::Error explain(base::Error error) const {
    if (error.message.find("SSL handshake") == std::string::npos) return error;
    const std::string refusal = trust_ ? trust_->refusal() : "";
    if (refusal.empty()) return error;
    return std::move(error).with_detail("the server's certificate was refused: " + refusal);
  }

  const std::string base_url_;
  const std::string server_name_;
  const std::shared_ptr<Trust> trust_;
  web::http::client::http_client client_;
};

web::http::client::http_client_config make_config(const Tls& tls,
                                                  const std::shared_ptr<Trust>& trust) {
  web::http::client::http_client_config config;
  // Its own timer runs between two reads and is the same for all requests: ours replace it.
  config.set_timeout(std::chrono::hours{24});
  config.set_max_redirects(0);
  config.set_validate_certificates(tls.verify);
  if (!trust) return config;
  config.set_ssl_context_callback(
      [trust, identity = tls.identity, source = tls.ca_source](boost::asio::ssl::context& context) {
        if (source) trust->renew(source());
        trust->apply(context.native_handle());
        if (!identity) return;
        const auto present = identity();
        if (!present) return;
        const auto used = use_identity(context.native_handle(), *present);
        if (!used.ok()) throw std::runtime_error(used.error().text());  // caught in guarded()
      });
  return config;
}

base::Result<web::uri> parse_url(const std::string& text) {
  try {
    web::uri url(text);
    if ((url.scheme() == "http" || url.scheme() == "https") && !url.host().empty()) return url;
  } catch (const std::exception&) {
    // said below
  }
  return base::invalid("not an http or https URL: \"" + text + "\"");
}

base::Result<std::shared_ptr<Trust>> shared_system_trust() {
  static const base::Result<std::shared_ptr<Trust>> trust = Trust::make({});
  return trust;
}

base::Result<std::shared_ptr<CpprestTransport>> build(const std::string& base_url, const Tls& tls) {
  start_pool();
  std::shared_ptr<Trust> trust;
  if (base_url.starts_with("https:")) {
    TRY(trust, tls.ca_pem.empty() ? shared_system_trust() : Trust::make(tls.ca_pem));
  }
  try {
    return std::make_shared<CpprestTransport>(base_url, tls.server_name, trust,
                                              make_config(tls, trust));
  } catch (const std::exception& e) {
    return base::invalid("cannot use " + base_url).with_detail(e.what());
  }
}

}  // namespace

base::Result<std::shared_ptr<Transport>> make_transport(Endpoint endpoint) {
  const Endpoint to = std::move(endpoint);
  TRY_OK(parse_url(to.base_url));
  TRY(auto transport, build(to.base_url, to.tls));
  return std::shared_ptr<Transport>(std::move(transport));
}

}  // namespace lockkeeper::http
