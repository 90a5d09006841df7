// Clients of an application, as demo and benchmarks need them: a fixed rate that does not slow down
// when the server does (open loop), prepared statements, every wait kept.
//
//   lk_load --uri URI --clients 8 --rate 400 --rows 1000000 --request SQL [--request SQL ...]
//           [--log FILE] [--tag TEXT]
//
// Each request is one statement with $1 = a random id in 1..rows and $2 = a text that no other
// request has; clients take the requests in turn. A latency counts from the moment when the request
// was due. FILE gets a line "end-in-epoch-microseconds latency-in-microseconds" per request; once a
// second a line of JSON goes to standard output, and on SIGTERM or SIGINT the last one with
// "final": true. Exit code 1 when any request failed. Clients reconnect after a lost connection.
#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <random>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "dbcore/base/clock.h"
#include "dbcore/base/mutex.h"

namespace {

using lockkeeper::base::Clock;
using lockkeeper::base::Lock;
using lockkeeper::base::Mutex;
using std::chrono::microseconds;

struct Options {
  std::string uri;
  std::string tag = "value";
  std::string log;
  std::vector<std::string> requests;
  int clients = 1;
  double rate = 100;  // of all clients together, per second; 0: as fast as they can
  std::int64_t rows = 1;
};

struct Sample {
  std::int64_t end_us;
  std::int64_t latency_us;
};

// What all clients have seen. Thread-safe.
class Record {
 public:
  void add(Sample sample) {
    const Lock lock(mutex_);
    samples_.push_back(sample);
  }
  void fail(std::string message) {
    const Lock lock(mutex_);
    ++errors_;
    if (messages_.size() < 20) messages_.push_back(std::move(message));
  }
  [[nodiscard]] std::int64_t errors() const {
    const Lock lock(mutex_);
    return errors_;
  }
  [[nodiscard]] std::vector<std::string> messages() const {
    const Lock lock(mutex_);
    return messages_;
  }
  // Samples from this index on.
  [[nodiscard]] std::vector<Sample> since(std::size_t index) const {
    const Lock lock(mutex_);
    return {samples_.begin() + static_cast<std::ptrdiff_t>(std::min(index, samples_.size())),
            samples_.end()};
  }

 private:
  mutable Mutex mutex_;
  std::vector<Sample> samples_ LK_GUARDED_BY(mutex_);
  std::vector<std::string> messages_ LK_GUARDED_BY(mutex_);
  std::int64_t errors_ LK_GUARDED_BY(mutex_) = 0;
};

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, Finish>;
using Answer = std::unique_ptr<PGresult, Clear>;

bool succeeded(const Answer& answer) {
  const auto status = PQresultStatus(answer.get());
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

class Client {
 public:
  Client(const Options& options, int number, Record& record)
      : options_(options), number_(number), record_(record), random_(std::random_device{}()) {}

  void run(const std::stop_token& stop) {
    const auto& clock = Clock::real();
    const auto interval = options_.rate > 0 ? std::chrono::nanoseconds(static_cast<std::int64_t>(
                                                  1e9 * options_.clients / options_.rate))
                                            : std::chrono::nanoseconds(0);
    // Clients start spread over one interval.
    auto due = clock.now() + interval * number_ / options_.clients;
    for (std::size_t turn = 0; !stop.stop_requested(); ++turn) {
      if (interval.count() == 0) due = clock.now();
      if (due > clock.now() && !clock.sleep(due - clock.now(), stop)) break;
      one_request(turn, due, stop);
      due += interval;
    }
  }

 private:
  void one_request(std::size_t turn, Clock::Steady due, const std::stop_token& stop) {
    if (!connection_ && !connect(stop)) return;
    const auto which = (turn + static_cast<std::size_t>(number_)) % options_.requests.size();
    const auto id =
        std::to_string(std::uniform_int_distribution<std::int64_t>(1, options_.rows)(random_));
    const auto value = fmt::format("{}-{}-{}", options_.tag, number_, turn);
    const char* values[] = {id.c_str(), value.c_str()};
    const Answer answer(PQexecPrepared(connection_.get(), fmt::format("r{}", which).c_str(), 2,
                                       values, nullptr, nullptr, 0));
    if (!succeeded(answer)) {
      fail();
      return;
    }
    const auto& clock = Clock::real();
    const auto took = std::chrono::duration_cast<microseconds>(clock.now() - due);
    const auto end = std::chrono::duration_cast<microseconds>(clock.wall().time_since_epoch());
    record_.add({end.count(), took.count()});
  }

  void fail() {
    record_.fail(PQerrorMessage(connection_.get()));
    if (PQstatus(connection_.get()) != CONNECTION_OK) connection_.reset();
  }

  bool connect(const std::stop_token& stop) {
    connection_.reset(PQconnectdb(options_.uri.c_str()));
    if (PQstatus(connection_.get()) == CONNECTION_OK && prepare()) return true;
    record_.fail(PQerrorMessage(connection_.get()));
    connection_.reset();
    Clock::real().sleep(std::chrono::milliseconds(200), stop);
    return false;
  }

  // Both parameters are named in every statement's types: a request may leave one out.
  bool prepare() {
    const Oid types[] = {20, 25};
    for (std::size_t i = 0; i < options_.requests.size(); ++i) {
      const Answer answer(PQprepare(connection_.get(), fmt::format("r{}", i).c_str(),
                                    options_.requests[i].c_str(), 2, types));
      if (!succeeded(answer)) return false;
    }
    return true;
  }

  const Options& options_;
  int number_;
  Record& record_;
  std::mt19937_64 random_;
  Connection connection_;
};

double percentile_ms(const std::vector<std::int64_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto index = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
  return static_cast<double>(sorted[index]) / 1000.0;
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + "\"";
}

void report(const std::vector<Sample>& samples, const Record& record, bool final) {
  std::vector<std::int64_t> sorted;
  sorted.reserve(samples.size());
  for (const auto& sample : samples) sorted.push_back(sample.latency_us);
  std::ranges::sort(sorted);
  std::string messages;
  for (const auto& message : record.messages()) {
    messages += (messages.empty() ? "" : ", ") + json_text(message);
  }
  fmt::print(
      "{{\"final\": {}, \"requests\": {}, \"errors\": {}, \"p50_ms\": {:.2f}, \"p95_ms\": {:.2f}, "
      "\"p99_ms\": {:.2f}, \"max_ms\": {:.2f}, \"messages\": [{}]}}\n",
      final, sorted.size(), record.errors(), percentile_ms(sorted, 0.5),
      percentile_ms(sorted, 0.95), percentile_ms(sorted, 0.99), percentile_ms(sorted, 1.0),
      messages);
  std::fflush(stdout);
}

void write_log(const std::string& path, const std::vector<Sample>& samples) {
  if (path.empty()) return;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "a"),
                                                             &std::fclose);
  if (!file) return;
  for (const auto& sample : samples) {
    fmt::print(file.get(), "{} {}\n", sample.end_us, sample.latency_us);
  }
}

template <typename T>
bool number(std::string_view text, T& out) {
  return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc();
}

bool take_option(std::string_view name, std::string_view value, Options& options) {
  if (name == "--clients") return number(value, options.clients);
  if (name == "--rate") return number(value, options.rate);
  if (name == "--rows") return number(value, options.rows);
  if (name == "--request") {
    options.requests.emplace_back(value);
    return true;
  }
  for (const auto& [known, target] :
       {std::pair{"--uri", &options.uri}, std::pair{"--tag", &options.tag},
        std::pair{"--log", &options.log}}) {
    if (name == known) {
      *target = value;
      return true;
    }
  }
  return false;
}

int run(const Options& options, const sigset_t& signals) {
  Record record;
  std::vector<std::unique_ptr<Client>> clients;
  clients.reserve(static_cast<std::size_t>(options.clients));
  for (int i = 0; i < options.clients; ++i) {
    clients.push_back(std::make_unique<Client>(options, i, record));
  }
  {
    std::vector<std::jthread> threads;
    threads.reserve(clients.size());
    for (auto& client : clients) {
      threads.emplace_back([&client](const std::stop_token& stop) { client->run(stop); });
    }
    std::size_t told = 0;
    const timespec second{1, 0};
    while (::sigtimedwait(&signals, nullptr, &second) < 0) {
      const auto fresh = record.since(told);
      told += fresh.size();
      report(fresh, record, false);
      write_log(options.log, fresh);
    }
    for (auto& thread : threads) thread.request_stop();
    threads.clear();
    write_log(options.log, record.since(told));
  }
  report(record.since(0), record, true);
  return record.errors() == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  bool understood = words.size() % 2 == 0;
  for (std::size_t i = 0; understood && i < words.size(); i += 2) {
    understood = take_option(words[i], words[i + 1], options);
  }
  if (!understood || options.uri.empty() || options.requests.empty()) {
    std::fputs(
        "usage: lk_load --uri URI --request SQL [--clients N] [--rate N] [--rows N] "
        "[--tag TEXT] [--log FILE]\n",
        stderr);
    return 2;
  }
  // Before the first thread: they inherit the mask, and the loop below takes the signals.
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  return run(options, signals);
}
