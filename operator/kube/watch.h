// Follows one collection for ever: list, then watch, again from where it stopped, again from the
// start when the server forgot that place. One Reflector belongs to one thread.
//
// States: empty -> init_page -> init_listed -> watching. What the server says decides the next one:
// 410 (as a status or as an ERROR event) leads back to empty, everything else tries again from the
// same place after its Retry-After or a growing wait.
#pragma once

#include <functional>
#include <string>

#include "dbcore/base/backoff.h"
#include "dbcore/base/context.h"
#include "operator/kube/client.h"

namespace lockkeeper::kube {

// Where the events go. Between begin and finish an initial list arrives; it counts as a whole at
// finish and never when another begin comes first.
class WatchSink {
 public:
  virtual ~WatchSink() = default;
  virtual void begin() = 0;
  virtual void initial(const Json& object) = 0;
  virtual void finish() = 0;
  virtual void upsert(const Json& object) = 0;
  virtual void erase(const Json& object) = 0;
};

enum class WatchState {
  empty,        // nothing known: next is the first page
  init_page,    // in the middle of a paged list: next is the page after
  init_listed,  // list complete: next is a watch from its version
  watching,     // events flow, or flowed: next is a watch from the last version seen
};
std::string_view to_string(WatchState state);

struct ReflectorOptions {
  Resource resource{};
  std::string ns{};  // empty: all namespaces
  std::string label_selector{};
  std::string field_selector{};
  int page_size = 500;
  std::function<double()> random{};  // [0, 1); left out: the process's
};

class Reflector {
 public:
  // client and sink must outlive it.
  Reflector(Client& client, WatchSink& sink, ReflectorOptions options);

  // Steps until the context is stopped; the error is then cancelled. Never ends otherwise.
  base::Error run(const base::Context& ctx);
  // One request and the wait after it, if it failed; for tests. Only cancelled is an error.
  base::Result<void> step(const base::Context& ctx);

  [[nodiscard]] WatchState state() const { return state_; }
  [[nodiscard]] const std::string& resource_version() const { return version_; }

 private:
  base::Result<void> list(const base::Context& ctx);
  base::Result<void> watch(const base::Context& ctx);
  base::Result<void> take_line(std::string_view line);
  base::Result<void> take_event(const std::string& type, const Json& object);
  void fail(const base::Error& error);
  void report(const base::Context& ctx, std::string_view what, const base::Error& error) const;
  base::Result<void> pause(const base::Context& ctx, const base::Error& error);

  Client& client_;
  WatchSink& sink_;
  ReflectorOptions options_;
  base::Backoff backoff_;
  base::Clock::Steady last_failure_{};
  WatchState state_ = WatchState::empty;
  std::string version_;
  std::string continue_token_;
  bool most_recent_ = false;  // the next list must not name a version
  std::size_t events_ = 0;    // of the present watch
};

}  // namespace lockkeeper::kube
