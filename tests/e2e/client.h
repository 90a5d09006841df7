// A client of the shop that reads and writes all the time, as its application would: what it had to
// suffer is the measure of a story.
//
//   Client old_version(shop.uri(), "UPDATE shop.users SET name = name || '.' WHERE id = 5");
//   ... faults ...
//   old_version.stop();
//   EXPECT_EQ(old_version.errors(), "");  EXPECT_LT(old_version.longest(), 600ms);
//
// A thread of its own with one session; after an error it connects anew and goes on.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <thread>

#include "dbcore/base/mutex.h"

namespace lockkeeper::e2e {

class Client {
 public:
  Client(std::string uri, std::string statement);
  ~Client() { stop(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void stop();
  [[nodiscard]] int done() const { return done_; }
  // The longest that one statement took which went well.
  [[nodiscard]] std::chrono::milliseconds longest() const;
  // How often which error, but for those of a server that stops or starts; "" when there was none.
  [[nodiscard]] std::string errors() const;

 private:
  void work(const std::stop_token& stop);
  void note(const std::string& sqlstate, const std::string& message);

  const std::string uri_;
  const std::string statement_;
  std::atomic<int> done_{0};
  std::atomic<std::int64_t> longest_ms_{0};
  mutable base::Mutex mutex_;
  std::map<std::string, int> errors_ LK_GUARDED_BY(mutex_);
  std::jthread thread_;
};

}  // namespace lockkeeper::e2e
