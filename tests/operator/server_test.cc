// The HTTP server over loopback, with the transport as its client and bare sockets where a client
// must misbehave.
#include "operator/server/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "operator/http/transport.h"
#include "operator/server/stream.h"
#include "tests/support/await.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"

namespace lockkeeper::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using support::await;

Routes routes() {
  Routes routes;
  routes.add("GET", "/hello", [](const base::Context&, const Request&) {
    return Response{.status = 200, .body = "hello"};
  });
  routes.add("POST", "/echo", [](const base::Context&, const Request& request) {
    return Response{.status = 200, .body = request.body, .content_type = "text/x-echo"};
  });
  routes.add("GET", "/a/{first}/{second}", [](const base::Context&, const Request& request) {
    return Response{.status = 200,
                    .body = std::string(request.parameter("first")) + "|" +
                            std::string(request.parameter("second")) + "|" + request.query};
  });
  return routes;
}

std::unique_ptr<Server> start(Options options) {
  options.bind = "127.0.0.1:0";
  auto server = Server::start({}, std::move(options), routes());
  EXPECT_TRUE(server.ok()) << server.error().text();
  return std::move(server).value();
}

http::Response ask(const Server& server, const http::Request& request) {
  auto transport =
      http::make_transport({.base_url = "http://127.0.0.1:" + std::to_string(server.port())});
  auto response = (*transport)->send({}, request);
  EXPECT_TRUE(response.ok()) << response.error().text();
  return response.ok() ? *response : http::Response{};
}

Descriptor connect_to(const Server& server) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return socket;
}

void send_text(const Descriptor& socket, std::string_view text) {
  EXPECT_EQ(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}

// Everything until the server closes.
std::string read_to_end(const Descriptor& socket) {
  std::string all;
  std::array<char, 4096> bytes{};
  while (true) {
    const auto count = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
    if (count <= 0) return all;
    all.append(bytes.data(), static_cast<std::size_t>(count));
  }
}

TEST(ServerTest, AnswersByMethodAndPath) {
  const auto server = start({.tls = false});
  EXPECT_EQ(ask(*server, {.target = "/hello"}).body, "hello");
  EXPECT_EQ(ask(*server, {.target = "/hello/"}).status, 404);
  EXPECT_EQ(ask(*server, {.target = "/nothing"}).status, 404);
  EXPECT_EQ(ask(*server, {.method = "DELETE", .target = "/hello"}).status, 405);
  const auto echo = ask(*server, {.method = "POST", .target = "/echo", .body = "{\"x\":1}"});
  EXPECT_EQ(echo.body, "{\"x\":1}");
  EXPECT_EQ(http::find_header(echo.headers, "content-type"), "text/x-echo");
}

TEST(ServerTest, SegmentsAreDecodedEachByItself) {
  const auto server = start({.tls = false});
  EXPECT_EQ(ask(*server, {.target = "/a/x%2Fy/z?q=1"}).body, "x/y|z|q=1");
  EXPECT_EQ(ask(*server, {.target = "/a//z"}).status, 404);
  EXPECT_EQ(ask(*server, {.target = "/a/x/y/z"}).status, 404);
}

TEST(ServerTest, HeadHasTheHeadersOfGetAndNoBody) {
  const auto server = start({.tls = false});
  const auto socket = connect_to(*server);
  send_text(socket, "HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto answer = read_to_end(socket);
  EXPECT_NE(answer.find("Content-Length: 5\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST(ServerTest, RequestsThatComeTogetherAreAnsweredInOrder) {
  const auto server = start({.tls = false});
  const auto socket = connect_to(*server);
  send_text(socket,
            "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
            "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
            "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto answers = read_to_end(socket);
  const auto first = answers.find("hello");
  const auto second = answers.find("abcde");
  EXPECT_LT(first, second);
  EXPECT_NE(answers.find("hello", second), std::string::npos) << answers;
}

TEST(ServerTest, ARequestInSmallPiecesIsUnderstood) {
  const auto server = start({.tls = false});
  const auto socket = connect_to(*server);
  for (const char c : std::string("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) {
    send_text(socket, std::string_view(&c, 1));
  }
  EXPECT_TRUE(read_to_end(socket).ends_with("hello"));
}

TEST(ServerTest, AClientThatWaitsForContinueGetsIt) {
  const auto server = start({.tls = false});
  const auto socket = connect_to(*server);
  send_text(socket,
            "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
            "Connection: close\r\n\r\n");
  std::array<char, 64> bytes{};
  const auto count = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
  ASSERT_GT(count, 0);
  EXPECT_TRUE(std::string_view(bytes.data(), static_cast<std::size_t>(count))
                  .starts_with("HTTP/1.1 100 Continue\r\n"));
  send_text(socket, "ok");
  EXPECT_TRUE(read_to_end(socket).ends_with("ok"));
}

TEST(ServerTest, WhatIsNoHttpIsRefused) {
  const auto server = start({.tls = false});
  const auto socket = connect_to(*server);
  send_text(socket, "\x16\x03\x01 what?\r\n\r\n");
  EXPECT_TRUE(read_to_end(socket).starts_with("HTTP/1.1 400 "));
}

TEST(ServerTest, ABodyAboveTheLimitIs413AndAHeaderAboveItIs431) {
  const auto server = start({.tls = false, .max_body = 100});
  EXPECT_EQ(
      ask(*server, {.method = "POST", .target = "/echo", .body = std::string(100, 'x')}).status,
      200);
  const auto body = connect_to(*server);
  send_text(body, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n");
  EXPECT_TRUE(read_to_end(body).starts_with("HTTP/1.1 413 "));
  const auto header = connect_to(*server);
  send_text(header, "GET /hello HTTP/1.1\r\nX: " + std::string(20'000, 'x'));
  EXPECT_TRUE(read_to_end(header).starts_with("HTTP/1.1 431 "));
}

TEST(ServerTest, AClientThatDoesNotFinishItsHeaderIsClosed) {
  const auto server = start({.tls = false, .header_timeout = milliseconds{50}});
  const auto socket = connect_to(*server);
  send_text(socket, "GET /hello HTTP/1.1\r\nHost");
  EXPECT_EQ(read_to_end(socket), "");
}

TEST(ServerTest, AClientThatDoesNotFinishItsBodyIsClosed) {
  const auto server = start({.tls = false, .body_timeout = milliseconds{50}});
  const auto socket = connect_to(*server);
  send_text(socket, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(read_to_end(socket), "");
}

TEST(ServerTest, ASilentClientIsClosedAndItsPlaceIsFree) {
  const auto server = start({.tls = false, .idle_timeout = milliseconds{50}, .max_connections = 1});
  const auto silent = connect_to(*server);
  EXPECT_EQ(read_to_end(silent), "");
  EXPECT_TRUE(await([&] {
    const auto socket = connect_to(*server);
    send_text(socket, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    return read_to_end(socket).ends_with("hello");
  }));
}

TEST(ServerTest, AConnectionBeyondTheLimitIsClosedAtOnce) {
  const auto server = start({.tls = false, .max_connections = 2});
  const auto first = connect_to(*server);
  const auto second = connect_to(*server);
  const auto third = connect_to(*server);
  EXPECT_EQ(read_to_end(third), "");
  send_text(first, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(read_to_end(first).ends_with("hello"));
}

TEST(ServerTest, AStopClosesIdleConnectionsAndReturnsSoon) {
  auto server = start({.tls = false});
  const auto idle = connect_to(*server);
  const auto begun = base::Clock::real().now();
  server->stop();
  EXPECT_LT(base::Clock::real().now() - begun, seconds{5});
  EXPECT_EQ(read_to_end(idle), "");
}

TEST(ServerTest, AnAddressInUseIsInvalid) {
  const auto server = start({.tls = false});
  const auto second =
      Server::start({}, {.bind = "127.0.0.1:" + std::to_string(server->port()), .tls = false}, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, base::ErrorCode::invalid);
  EXPECT_FALSE(Server::start({}, {.bind = "nonsense", .tls = false}, {}).ok());
}

// --- TLS ----------------------------------------------------------------------------------------

struct Files {
  std::filesystem::path folder = support::scratch_dir("server");
  [[nodiscard]] std::filesystem::path certificate() const { return folder / "tls.crt"; }
  [[nodiscard]] std::filesystem::path key() const { return folder / "tls.key"; }

  // A new self-signed certificate for this name, swapped in as a Secret's volume does.
  void make(const std::string& name) const {
    const auto fresh = folder / "fresh";
    std::filesystem::create_directories(fresh);
    support::run_checked({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                          "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=" + name,
                          "-addext", "subjectAltName=IP:127.0.0.1,DNS:" + name, "-keyout",
                          fresh / "tls.key", "-out", fresh / "tls.crt"});
    std::filesystem::rename(fresh / "tls.key", key());
    std::filesystem::rename(fresh / "tls.crt", certificate());
  }
};

base::Result<http::Response> ask_tls(const Server& server, http::Tls tls) {
  auto transport = http::make_transport(
      {.base_url = "https://127.0.0.1:" + std::to_string(server.port()), .tls = std::move(tls)});
  if (!transport.ok()) return transport.error();
  return (*transport)->send({}, {.target = "/hello"});
}

base::Result<http::Response> get_once(const Server& server, const std::string& host,
                                      const std::string& ca) {
  return http::get_once(
      {},
      {.url = "https://" + host + ":" + std::to_string(server.port()) + "/hello", .ca_pem = ca});
}

TEST(TlsServerTest, AGetOfACheckIsReadOverTlsFromTheHostThatItNamed) {
  const Files files;
  files.make("localhost");
  Options options;
  options.certificate = {files.certificate(), files.key()};
  const auto server = start(options);
  const std::string ca = support::read_file(files.certificate());
  const auto answer = get_once(*server, "localhost", ca);
  ASSERT_TRUE(answer.ok()) << answer.error().text();
  EXPECT_EQ(answer->status, 200);
  EXPECT_TRUE(get_once(*server, "127.0.0.1", ca).ok());
  files.make("elsewhere");
  const auto refused = get_once(*server, "localhost", support::read_file(files.certificate()));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().text().find("certificate was refused"), std::string::npos)
      << refused.error().text();
}

TEST(TlsServerTest, AnIpv6AddressCanBeAsked) {
  Options options;
  options.bind = "[::1]:0";
  options.tls = false;
  auto started = Server::start({}, options, routes());
  if (!started.ok()) GTEST_SKIP() << "no IPv6 here: " << started.error().text();
  const auto server = std::move(started).value();
  const auto answer =
      http::get_once({}, {.url = "http://[::1]:" + std::to_string(server->port()) + "/hello",
                          .allow = [](std::string_view address) {
                            EXPECT_EQ(address, "::1");
                            return base::Result<void>();
                          }});
  ASSERT_TRUE(answer.ok()) << answer.error().text();
  EXPECT_EQ(answer->status, 200);
}

TEST(TlsServerTest, ARotatedAuthorityIsTrustedFromTheNextConnectionOn) {
  const Files files;
  files.make("localhost");
  Options options;
  options.certificate = {files.certificate(), files.key()};
  const auto server = start(options);
  http::Tls tls;
  tls.ca_pem = support::read_file(files.certificate());
  std::string now = tls.ca_pem;
  tls.ca_source = [&now] { return now; };
  const auto ask = [&] {  // with a new connection each time
    auto transport = http::make_transport(
        {.base_url = "https://127.0.0.1:" + std::to_string(server->port()), .tls = tls});
    return (*transport)->send({}, {.target = "/hello"});
  };
  ASSERT_TRUE(ask().ok());
  files.make("localhost");
  EXPECT_FALSE(ask().ok());
  now = support::read_file(files.certificate());
  const auto answer = ask();
  EXPECT_TRUE(answer.ok()) << answer.error().text();
}

TEST(TlsServerTest, WithoutFilesItMakesItsOwnCertificate) {
  const auto server = start({});
  const auto trusting = ask_tls(*server, {.verify = false});
  ASSERT_TRUE(trusting.ok()) << trusting.error().text();
  EXPECT_EQ(trusting->body, "hello");
  const auto strict = ask_tls(*server, {});
  ASSERT_FALSE(strict.ok());
  EXPECT_EQ(strict.error().code, base::ErrorCode::unavailable);
  EXPECT_NE(strict.error().detail.find("self-signed"), std::string::npos) << strict.error().text();
}

TEST(TlsServerTest, ACertificateThatChangesOnDiskIsShownToTheNextClient) {
  const Files files;
  files.make("one.test");
  const auto server = start({.certificate = {files.certificate(), files.key()}});
  const auto first = support::read_file(files.certificate());
  EXPECT_TRUE(ask_tls(*server, {.ca_pem = first}).ok());
  files.make("two.test");
  const auto second = support::read_file(files.certificate());
  EXPECT_TRUE(ask_tls(*server, {.ca_pem = second}).ok());
  EXPECT_FALSE(ask_tls(*server, {.ca_pem = first}).ok());
}

TEST(TlsServerTest, ABrokenCertificateOnDiskLeavesTheGoodOne) {
  const Files files;
  files.make("one.test");
  const auto server = start({.certificate = {files.certificate(), files.key()}});
  const auto good = support::read_file(files.certificate());
  support::write_file(files.certificate(), "no certificate");
  EXPECT_TRUE(ask_tls(*server, {.ca_pem = good}).ok());
}

TEST(TlsServerTest, TheNameInTheCertificateIsChecked) {
  const Files files;
  files.make("one.test");
  const auto server = start({.certificate = {files.certificate(), files.key()}});
  const auto pem = support::read_file(files.certificate());
  EXPECT_TRUE(ask_tls(*server, {.ca_pem = pem, .server_name = "one.test"}).ok());
  const auto wrong = ask_tls(*server, {.ca_pem = pem, .server_name = "two.test"});
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.error().detail.find("not for this host"), std::string::npos)
      << wrong.error().text();
}

TEST(TlsServerTest, FilesThatCannotBeUsedAreInvalid) {
  const auto missing = Server::start(
      {}, {.bind = "127.0.0.1:0", .certificate = {"/nowhere/tls.crt", "/nowhere/tls.key"}}, {});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, base::ErrorCode::invalid);
  EXPECT_FALSE(
      Server::start({}, {.bind = "127.0.0.1:0", .certificate = {"/nowhere/tls.crt", ""}}, {}).ok());
}

TEST(TlsServerTest, AClientThatNeverShakesHandsIsClosed) {
  const auto server = start({.handshake_timeout = milliseconds{50}, .max_connections = 1});
  for (int i = 0; i < 3; ++i) {
    const auto silent = connect_to(*server);
    EXPECT_EQ(read_to_end(silent), "");
  }
  EXPECT_TRUE(await([&] { return ask_tls(*server, {.verify = false}).ok(); }));
}

int open_descriptors() {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

TEST(TlsServerTest, ConnectionsThatAreDroppedBeforeTheHandshakeLeaveNothingBehind) {
  const auto server = start({});
  const int before = open_descriptors();
  for (int i = 0; i < 100; ++i) connect_to(*server);
  EXPECT_TRUE(await([&] { return open_descriptors() <= before; })) << open_descriptors();
}

}  // namespace
}  // namespace lockkeeper::server
