// SQL text that was put together safely, and a statement with its parameters.
//
//   const Fragment ddl = sql::format("ALTER TABLE {} DROP COLUMN {}", table, column);
//   Statement ask("SELECT 1 FROM lockkeeper.migration WHERE id = $1 AND epoch = $2");
//   ask.bind(id).bind(epoch);
//
// format() takes only types that print themselves safely: Identifier, QualifiedName, Literal,
// Fragment, integers and bool. A plain string does not compile.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dbcore/sql/identifier.h"

namespace lockkeeper::sql {

// SQL text that is known to be well-formed where it stands: made by format(), spelled in our code,
// or checked by sql/parse.
class Fragment {
 public:
  Fragment() = default;
  template <std::size_t N>
  consteval Fragment(const char (&)[N]) = delete;  // say trusted() when it is a constant
  static Fragment trusted(std::string_view text) { return Fragment(std::string(text)); }

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  bool operator==(const Fragment&) const = default;

 private:
  explicit Fragment(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// A string constant: printed as '...' with quotes doubled, as E'...' when it holds a backslash.
struct Literal {
  std::string value;
  [[nodiscard]] std::string quoted() const;
};

// "a, b, c" of quoted names.
Fragment join(std::span<const Identifier> names, std::string_view separator = ", ");
Fragment join(std::span<const Fragment> parts, std::string_view separator = ", ");

template <typename T>
concept SafeArgument = std::same_as<std::remove_cvref_t<T>, Identifier> ||
    std::same_as<std::remove_cvref_t<T>, QualifiedName> ||
    std::same_as<std::remove_cvref_t<T>, Literal> ||
    std::same_as<std::remove_cvref_t<T>, Fragment> || std::integral<std::remove_cvref_t<T>>;

namespace detail {
inline std::string render(const Identifier& name) {
  return name.quoted();
}
inline std::string render(const QualifiedName& name) {
  return name.quoted();
}
inline std::string render(const Literal& literal) {
  return literal.quoted();
}
inline std::string render(const Fragment& fragment) {
  return fragment.text();
}
inline std::string render(bool value) {
  return value ? "true" : "false";
}
template <std::integral T>
std::string render(T value) {
  return std::to_string(value);
}
template <typename>
using AsString = std::string;
}  // namespace detail

template <SafeArgument... Args>
Fragment format(fmt::format_string<detail::AsString<Args>...> pattern, const Args&... args) {
  return Fragment::trusted(fmt::format(pattern, detail::render(args)...));
}

// One statement with parameters in text form; parameters are never put into the text.
class Statement {
 public:
  template <std::size_t N>
  Statement(const char (&text)[N]) : text_(text, N - 1) {}  // NOLINT(*-explicit-*)
  Statement(const Fragment& text) : text_(text.text()) {}   // NOLINT(*-explicit-*)

  Statement& bind(std::string_view value);
  // Without these two a text would be taken for a bool, or for either of two texts.
  Statement& bind(const char* value) { return bind(std::string_view(value)); }
  Statement& bind(const std::string& value) { return bind(std::string_view(value)); }
  Statement& bind(std::nullopt_t);
  Statement& bind(const std::optional<std::string>& value);
  Statement& bind(bool value);
  Statement& bind(std::integral auto value) {
    return bind(std::string_view(std::to_string(value)));
  }
  // One text[] parameter.
  Statement& bind(std::span<const std::string> values);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::vector<std::optional<std::string>>& parameters() const {
    return parameters_;
  }

 private:
  std::string text_;
  std::vector<std::optional<std::string>> parameters_;
};

// The text form of a text[] value, as PostgreSQL reads it.
std::string to_array(std::span<const std::string> values);

}  // namespace lockkeeper::sql
