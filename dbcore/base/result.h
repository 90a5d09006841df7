// A value, or the Error that prevented it.
//
//   Result<int> parse(std::string_view);
//   TRY(auto n, parse(text));      // declares n, or returns the error from this function
//   TRY_OK(session.execute(...));  // the same for Result<void>, or to ignore the value
//
// Reading value() of an error is a programming mistake and ends the process with the error's text.
#pragma once

#include <optional>
#include <utility>
#include <variant>

#include "dbcore/base/error.h"

namespace lockkeeper::base {

[[noreturn]] void die_of_unchecked(const Error& error);

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(*-explicit-*)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(*-explicit-*)

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] const T& value() const& {
    if (!ok()) die_of_unchecked(error());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T& value() & {
    if (!ok()) die_of_unchecked(error());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T&& value() && {
    if (!ok()) die_of_unchecked(error());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Only when !ok().
  [[nodiscard]] const Error& error() const& { return *std::get_if<1>(&state_); }
  [[nodiscard]] Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(*-explicit-*)

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  void value() const {
    if (error_) die_of_unchecked(*error_);
  }

  // Only when !ok().
  [[nodiscard]] const Error& error() const& { return *error_; }
  [[nodiscard]] Error&& error() && { return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

inline Result<void> ok() {
  return {};
}

}  // namespace lockkeeper::base
// NOLINTBEGIN(bugprone-macro-parentheses): a declaration and its name cannot stand in parentheses.
#define LK_CONCAT_INNER(a, b) a##b
#define LK_CONCAT(a, b) LK_CONCAT_INNER(a, b)
#define LK_TRY_IMPL(result, declaration, expression)  \
  auto result = (expression);                         \
  if (!result.ok()) return std::move(result).error(); \
  declaration = std::move(result).value()
#define TRY(declaration, ...) \
  LK_TRY_IMPL(LK_CONCAT(lk_try_, __COUNTER__), declaration, (__VA_ARGS__))
#define TRY_OK(...)                                              \
  do {                                                           \
    if (auto lk_try_result = (__VA_ARGS__); !lk_try_result.ok()) \
      return std::move(lk_try_result).error();                   \
  } while (false)
// NOLINTEND(bugprone-macro-parentheses)
