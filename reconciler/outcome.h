// What a reconcile decided: data that somebody else carries out. Values; thread-safe as values are.
//
// The adapter executes `writes` in order and stops at the first that fails: its error decides what
// the queue does, the status is then not written. After them it writes the status (server-side
// apply to /status with uid and resource_version as they were read), then records the events, then
// asks to be called again after requeue_after. A failed `test` of a JSON patch is a conflict.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lockkeeper::reconcile {

using Json = nlohmann::json;
// Null: there is no such object.
using Object = std::shared_ptr<const Json>;

struct Key {
  std::string ns;
  std::string name;
  auto operator<=>(const Key&) const = default;
  [[nodiscard]] std::string text() const { return ns + "/" + name; }
};

// All kinds of objects that are read or written; nothing else is touched.
enum class Kind {
  migration,
  database,
  secret,
  config_map,
  service,
  deployment,
  endpoint_slice,
  pod,
};
struct KindName {
  std::string_view group;    // empty: core
  std::string_view version;  // "v1"
  std::string_view plural;   // "endpointslices"
  std::string_view kind;     // "EndpointSlice"
};
const KindName& name_of(Kind kind);

enum class Verb {
  apply,       // server-side apply with force under our field manager; body: the object
  json_patch,  // RFC 6902; body: the list of operations
  remove,      // not an error if absent
};

struct Write {
  Verb verb = Verb::apply;
  Kind kind = Kind::config_map;
  Key key;
  Object body;        // null for remove
  std::string about;  // for the log: "selector of Service shop to green"
};

// About the object that was reconciled.
struct Event {
  bool warning = false;
  std::string reason;  // from crds/reasons.h
  std::string action;  // what was being done: "Expand"
  std::string note;
};

struct Outcome {
  std::string uid;               // of the object that was read; empty: it is gone
  std::string resource_version;  // that the decision was made on
  Object status;                 // the whole status; null: it has not changed
  std::vector<Write> writes;
  std::vector<Event> events;
  std::optional<std::chrono::milliseconds> requeue_after;
};

}  // namespace lockkeeper::reconcile
