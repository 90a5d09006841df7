// A PostgreSQL name that can only be printed quoted: injection through a name is a type error.
//
// Immutable values; safe to share between threads.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "dbcore/base/result.h"

namespace lockkeeper::sql {

class Identifier {
 public:
  // A name given by a user, as the catalog would store it (no folding, no quotes): 1 to 63 bytes of
  // UTF-8 without NUL. invalid otherwise.
  static base::Result<Identifier> make(std::string_view name);
  // A name that is known good: read from a catalog or spelled in our own code.
  static Identifier trusted(std::string_view name);

  [[nodiscard]] const std::string& raw() const { return name_; }
  // Always in double quotes, inner quotes doubled.
  [[nodiscard]] std::string quoted() const;

  auto operator<=>(const Identifier&) const = default;

 private:
  explicit Identifier(std::string_view name) : name_(name) {}
  std::string name_;
};

struct QualifiedName {
  Identifier schema;
  Identifier name;

  // "schema"."name"
  [[nodiscard]] std::string quoted() const;
  // schema.name for messages to people, unquoted.
  [[nodiscard]] std::string display() const;

  auto operator<=>(const QualifiedName&) const = default;
};

inline constexpr std::size_t max_identifier_bytes = 63;

}  // namespace lockkeeper::sql
