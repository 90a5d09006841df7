// What went wrong, said so that a caller knows its next move and a person knows theirs.
//
// An Error is a value: copyable, no allocation beyond its strings, safe to hand between threads.
// Messages follow the PostgreSQL error style guide: message lower case without full stop, detail is
// fact, hint is what to do.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace lockkeeper::base {

// The caller's next move; there are no other kinds of failure.
enum class ErrorCode {
  cancelled,     // we were asked to stop: unwind
  unavailable,   // the same call, later, with backoff
  conflict,      // re-read and redo, at once the first time
  precondition,  // the world must change first: rows, catalog, a Secret, a gate
  invalid,       // the user must edit the object
  internal,      // our bug
};

std::string_view to_string(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string detail;
  std::string hint;
  std::string sqlstate;  // five characters when PostgreSQL said it, else empty
  std::string reason;    // CamelCase machine word for a condition, else empty
  std::string path;      // field path such as spec.operations[2].changeType.up, else empty
  std::optional<std::chrono::milliseconds> retry_after;  // when a peer named the wait

  // "path: message (SQLSTATE 42P01); detail; hint: ...": one line for logs and conditions.
  [[nodiscard]] std::string text() const;

  Error with_hint(std::string text) &&;
  Error with_detail(std::string text) &&;
  Error with_reason(std::string text) &&;
  Error with_path(std::string text) &&;
  // Puts "context: " before the message.
  Error within(std::string_view context) &&;
};

Error cancelled(std::string message);
Error unavailable(std::string message);
Error conflict(std::string message);
Error precondition(std::string message);
Error invalid(std::string message);
Error internal(std::string message);

}  // namespace lockkeeper::base
