// A real HTTP/1.1 server on loopback that plays a script: each request gets the next reply,
// whatever it asked for. For what a well-behaved API server does too seldom to be tested on: 410,
// 429, 504, streams that are cut, frames that are split. Thread-safe.
//
//   ScriptedApiServer server;
//   server.play({.status = 429, .headers = {{"Retry-After", "3"}}});
//   server.play({.chunks = {"{\"type\":\"ADD", "ED\", ...}\n"}, .end = Reply::End::cut});
//   ... a client of server.url() ...
//   server.requests().at(0).target
#pragma once

#include <condition_variable>
#include <deque>
#include <list>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dbcore/base/mutex.h"

namespace lockkeeper::support {

struct Reply {
  enum class End {
    finish,  // as HTTP has it
    cut,     // the connection is closed in the middle of the body
    hang     // nothing more comes, and the connection stays open
  };
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};                 // sent whole, with its length
  std::vector<std::string> chunks{};  // instead of body: sent one by one, chunked
  End end = End::finish;
};

struct SeenRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;

  [[nodiscard]] std::string header(const std::string& lower_case_name) const;
};

class ScriptedApiServer {
 public:
  ScriptedApiServer();
  ~ScriptedApiServer();
  ScriptedApiServer(const ScriptedApiServer&) = delete;
  ScriptedApiServer& operator=(const ScriptedApiServer&) = delete;

  [[nodiscard]] std::string url() const;
  // Adds to the script. A request beyond its end gets 500.
  void play(Reply reply);

  [[nodiscard]] std::vector<SeenRequest> requests() const;
  [[nodiscard]] std::size_t left() const;  // replies not yet played

 private:
  struct Connection {
    int fd = -1;
    std::jthread thread;
  };

  void accept_all();
  void serve(int fd);
  bool read_request(int fd, std::string& buffer, SeenRequest& request) const;
  bool send_reply(int fd, const Reply& reply);
  Reply next(SeenRequest request);

  int listener_ = -1;
  int port_ = 0;
  mutable base::Mutex mutex_;
  std::condition_variable_any stopped_;
  bool stop_ LK_GUARDED_BY(mutex_) = false;
  std::deque<Reply> script_ LK_GUARDED_BY(mutex_);
  std::vector<SeenRequest> seen_ LK_GUARDED_BY(mutex_);
  std::list<Connection> connections_ LK_GUARDED_BY(mutex_);
  std::jthread acceptor_;
};

}  // namespace lockkeeper::support
