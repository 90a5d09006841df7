// A TCP proxy on 127.0.0.1 that misbehaves by order of a test.
//
//   FaultProxy proxy(pg.port());
//   auto uri = pg.uri_through(proxy.port(), "app", db);
//   proxy.cut();                                        // resets the open connections
//   proxy.hang();  ...  proxy.resume();                 // open, but nothing passes
//   proxy.cut_when_client_sends("COMMIT", FaultProxy::After::forwarding);  // the answer is lost
//
// One thread serves all connections. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "dbcore/base/mutex.h"

namespace lockkeeper::support {

class FaultProxy {
 public:
  enum class After { nothing, forwarding };

  // Forwards to 127.0.0.1:target_port.
  explicit FaultProxy(int target_port);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  [[nodiscard]] int port() const { return port_; }

  // Resets every open connection; new ones are served.
  void cut();
  // Bytes wait in both directions, connections stay open; new ones are accepted and wait too.
  void hang();
  // New connections are reset at once; open ones go on.
  void refuse();
  // Each piece of data waits this long in each direction.
  void delay(std::chrono::milliseconds each);
  // Ends hang, refuse, delay and a cut that was armed.
  void resume();

  // The next connection whose client sends this text (within one piece of data; nothing is
  // decrypted) is reset: before the piece is forwarded, or after it was and before anything comes
  // back.
  void cut_when_client_sends(std::string text, After after);
  // Whether that happened since it was armed.
  [[nodiscard]] bool was_cut() const;

  // Connections accepted so far, and open now.
  [[nodiscard]] int accepted() const;
  [[nodiscard]] int open() const;

 private:
  struct Orders {
    bool hang = false;
    bool refuse = false;
    bool cut = false;
    std::chrono::milliseconds delay{0};
    std::string trap;
    After after = After::nothing;
  };
  class Link;

  void serve(const std::stop_token& stop);
  bool await_event(const Orders& orders);  // true when somebody wants to connect
  bool is_over(Link& link, Orders& orders);
  void accept_one(const Orders& orders);
  Orders take_orders();
  void trap_sprung();
  void change(const std::function<void(Orders&)>& edit);

  int port_ = 0;
  int target_port_;
  int listener_ = -1;
  int wake_ = -1;
  std::list<std::unique_ptr<Link>> links_;  // of the serving thread
  std::atomic<int> accepted_{0};
  std::atomic<int> open_{0};
  mutable base::Mutex mutex_;
  Orders orders_ LK_GUARDED_BY(mutex_);
  bool was_cut_ LK_GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace lockkeeper::support
