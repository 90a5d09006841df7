// The only unit that includes Beast: its parser reads, the answer is written by hand.
#include "operator/server/http_session.h"

#include <array>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

namespace lockkeeper::server {
namespace {

namespace beast_http = boost::beast::http;
using Parser = beast_http::request_parser<beast_http::string_body>;

constexpr std::uint32_t largest_header = 16U << 10U;
constexpr std::size_t read_size = 16U << 10U;

// How the reading of a request ended.
enum class Reading {
  whole,
  closed,  // by the peer, by time or by a stop: nothing to answer
  refused  // the answer says why, and the connection ends after it
};

struct Incoming {
  Reading reading = Reading::closed;
  Request request{};
  bool keep_alive = false;
  int refusal = 400;
};

int refusal_of(const boost::beast::error_code& error) {
  if (error == beast_http::error::body_limit) return 413;
  if (error == beast_http::error::header_limit) return 431;
  return 400;
}

std::string render(const Response& response, bool keep_alive, bool with_body) {
  const auto reason = beast_http::obsolete_reason(beast_http::int_to_status(response.status));
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
  text.append(reason.data(), reason.size());
  text += "\r\nContent-Type: " + response.content_type;
  text += "\r\nContent-Length: " + std::to_string(response.body.size());
  text += "\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store";
  text += keep_alive ? "\r\nConnection: keep-alive" : "\r\nConnection: close";
  for (const auto& [name, value] : response.headers) text += "\r\n" + name + ": " + value;
  text += "\r\n\r\n";
  if (with_body) text += response.body;
  return text;
}

class Session {
 public:
  Session(const base::Context& ctx, Stream& stream, const Options& options)
      : ctx_(ctx), stream_(stream), options_(options) {}

  Incoming next() {
    Parser parser;
    parser.header_limit(largest_header);
    parser.body_limit(options_.max_body);
    parser.eager(false);
    auto deadline = soon(options_.idle_timeout);
    bool begun = false;
    while (!parser.is_header_done()) {
      if (!buffered_.empty() && !begun) {
        begun = true;
        deadline = soon(options_.header_timeout);
      }
      if (const auto ended = advance(parser, deadline)) return *ended;
    }
    if (parser.get()[beast_http::field::expect] == "100-continue" && !parser.is_done()) {
      const auto sent =
          stream_.write("HTTP/1.1 100 Continue\r\n\r\n", soon(options_.write_timeout));
      if (!sent.ok()) return {};
    }
    parser.eager(true);
    deadline = soon(options_.body_timeout);
    while (!parser.is_done()) {
      if (const auto ended = advance(parser, deadline)) return *ended;
    }
    return whole(parser);
  }

  // False when the connection cannot be used any more.
  bool answer(const Response& response, bool keep_alive, bool with_body) {
    return stream_.write(render(response, keep_alive, with_body), soon(options_.write_timeout))
        .ok();
  }

 private:
  [[nodiscard]] Stream::Deadline soon(std::chrono::milliseconds d) const {
    return ctx_.clock().now() + d;
  }

  // Parses what is there, or reads more; a value when the request will not become whole.
  std::optional<Incoming> advance(Parser& parser, Stream::Deadline deadline) {
    if (!buffered_.empty()) {
      boost::beast::error_code error;
      const auto used = parser.put(boost::asio::buffer(buffered_), error);
      buffered_.erase(0, used);
      if (error && error != beast_http::error::need_more) {
        return Incoming{.reading = Reading::refused, .refusal = refusal_of(error)};
      }
      if (used > 0) return std::nullopt;
    }
    std::array<char, read_size> bytes{};
    const auto count = stream_.read(bytes.data(), bytes.size(), deadline);
    if (!count.ok() || *count == 0) return Incoming{};
    buffered_.append(bytes.data(), *count);
    return std::nullopt;
  }

  static Incoming whole(Parser& parser) {
    Incoming incoming{.reading = Reading::whole, .keep_alive = parser.keep_alive()};
    auto message = parser.release();
    Request& request = incoming.request;
    request.method = std::string(message.method_string());
    const std::string target(message.target());
    const auto question = std::min(target.find('?'), target.size());
    request.path = target.substr(0, question);
    if (question < target.size()) request.query = target.substr(question + 1);
    for (const auto& field : message) {
      std::string name(field.name_string());
      for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      request.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    request.body = std::move(message.body());
    return incoming;
  }

  const base::Context& ctx_;
  Stream& stream_;
  const Options& options_;
  std::string buffered_;
};

}  // namespace

void serve(const base::Context& ctx, Stream& stream, const Options& options, const Routes& routes) {
  Session session(ctx, stream, options);
  while (true) {
    Incoming incoming = session.next();
    if (incoming.reading == Reading::closed) return;
    if (incoming.reading == Reading::refused) {
      session.answer({.status = incoming.refusal, .body = "bad request\n"}, false, true);
      return;
    }
    const Response response = routes.answer(ctx, incoming.request);
    const bool with_body = incoming.request.method != "HEAD";
    if (!session.answer(response, incoming.keep_alive, with_body) || !incoming.keep_alive) return;
  }
}

}  // namespace lockkeeper::server
