#include "tests/e2e/client.h"

#include <fmt/format.h>

#include <condition_variable>
#include <optional>

#include "dbcore/base/clock.h"
#include "tests/support/pg_connection.h"

namespace lockkeeper::e2e {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// What a restart itself does to whoever is connected, or wants to be.
bool comes_from_the_server_s_end(const std::string& sqlstate) {
  return sqlstate.empty() || sqlstate.starts_with("57P") || sqlstate.starts_with("08");
}

}  // namespace

Client::Client(std::string uri, std::string statement)
    : uri_(std::move(uri)),
      statement_(std::move(statement)),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

void Client::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

milliseconds Client::longest() const {
  return milliseconds(longest_ms_);
}

std::string Client::errors() const {
  base::Lock lock(mutex_);
  std::string text;
  for (const auto& [error, times] : errors_) text += fmt::format("{} times {}", times, error);
  return text;
}

void Client::note(const std::string& sqlstate, const std::string& message) {
  if (comes_from_the_server_s_end(sqlstate)) return;
  base::Lock lock(mutex_);
  ++errors_[sqlstate + " " + message];
}

void Client::work(const std::stop_token& stop) {
  constexpr milliseconds pause{2};
  std::optional<support::PgConnection> session;
  while (!stop.stop_requested()) {
    (void)base::Clock::real().sleep(pause, stop);
    try {
      if (!session) session.emplace(uri_);
      const auto begin = steady_clock::now();
      session->exec(statement_);
      const auto took = std::chrono::ceil<milliseconds>(steady_clock::now() - begin).count();
      longest_ms_ = std::max(longest_ms_.load(), took);
      ++done_;
    } catch (const support::PgError& error) {
      note(error.sqlstate(), error.what());
      session.reset();
    }
  }
}

}  // namespace lockkeeper::e2e
