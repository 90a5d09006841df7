// How a type tells its fields once, for all who need them: the strict reader, the writer
// (crds/json.h) and the list that tests compare with the CRD (crds/field_list.h).
//
//   void describe(Fields& f, RetrySpec& r) {
//     f.integer("maxAttempts", r.max_attempts, {.min = 1, .max = 100});
//     f.duration("backoff", r.backoff);
//   }
//
// A plain member keeps its initialiser when the field is absent (that is the field's default), an
// optional one stays empty, and an empty string is an absent one. Not thread-safe: one visit each.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace lockkeeper::crds {

// What a string looks like; pattern is what the CRD says, meaning is for people.
struct Shape {
  std::string_view pattern;
  bool (*accepts)(std::string_view text);
  std::string_view meaning;
};

enum class Presence { optional, required };

struct Text {
  bool required = false;
  std::size_t min = 0;     // characters
  std::size_t max = 1024;  // characters, or bytes
  bool bytes = false;      // PostgreSQL counts names in bytes
  const Shape* shape = nullptr;
  std::span<const std::string_view> one_of = {};
};
struct Integer {
  bool required = false;
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};
struct Duration {
  std::chrono::milliseconds min{0};
  std::chrono::milliseconds max{std::chrono::hours(24 * 365)};
  bool required = false;
};
struct List {
  bool required = false;
  std::size_t min = 0;
  std::size_t max = 16;
  bool unique = false;  // of strings: no two alike
};

class Fields {
 public:
  using Time = std::chrono::sys_seconds;
  using Parameters = std::vector<std::pair<std::string, std::string>>;

  virtual ~Fields() = default;

  virtual void text(std::string_view name, std::optional<std::string>& value, const Text& rule) = 0;
  virtual void boolean(std::string_view name, std::optional<bool>& value) = 0;
  virtual void integer(std::string_view name, std::optional<std::int64_t>& value,
                       const Integer& rule) = 0;
  virtual void number(std::string_view name, std::optional<double>& value) = 0;
  virtual void duration(std::string_view name, std::optional<std::chrono::milliseconds>& value,
                        const Duration& rule) = 0;
  virtual void time(std::string_view name, std::optional<Time>& value,
                    Presence presence = Presence::optional) = 0;
  virtual void texts(std::string_view name, std::vector<std::string>& value, const List& rule,
                     const Text& item) = 0;
  // An object of strings and whole numbers under names that are not ours: {fillfactor: 70}.
  virtual void parameters(std::string_view name, Parameters& value, const List& rule,
                          const Text& item) = 0;
  virtual void choice(std::string_view name, std::optional<std::size_t>& value,
                      std::span<const std::string_view> names, Presence presence) = 0;
  // What a schema cannot say; message as in Error, field is below the object that is described.
  virtual void check(bool holds, std::string_view field, std::string_view message) = 0;

  void text(std::string_view name, std::string& value, const Text& rule);
  void boolean(std::string_view name, bool& value);
  template <std::integral T>
  void integer(std::string_view name, T& value, const Integer& rule = {});
  template <std::integral T>
  void integer(std::string_view name, std::optional<T>& value, const Integer& rule = {});
  void duration(std::string_view name, std::chrono::milliseconds& value, const Duration& rule = {});
  // Enumerators count from 0 in the order of names; one beyond them is an absent field.
  template <typename E>
  requires std::is_enum_v<E>
  void choice(std::string_view name, E& value, std::span<const std::string_view> names,
              Presence presence = Presence::optional);
  template <typename E>
  requires std::is_enum_v<E>
  void choice(std::string_view name, std::optional<E>& value,
              std::span<const std::string_view> names, Presence presence = Presence::optional);
  template <typename T>
  void object(std::string_view name, T& value, Presence presence = Presence::optional);
  template <typename T>
  void object(std::string_view name, std::optional<T>& value);
  template <typename T>
  void list(std::string_view name, std::vector<T>& value, const List& rule);
  // The object has exactly one key, and that says which alternative it holds.
  template <typename... T>
  void one_of(std::variant<T...>& value, std::span<const std::string_view> names);

 protected:
  // Whether to go in; leave() follows only then.
  virtual bool enter(std::string_view name, bool present, Presence presence) = 0;
  virtual void leave() = 0;
  // How many items to go through, each within enter_item() and leave().
  virtual std::size_t enter_list(std::string_view name, std::size_t size, const List& rule) = 0;
  virtual bool enter_item(std::size_t index) = 0;
  virtual void leave_list() = 0;
  // Which alternatives to go through.
  virtual std::vector<std::size_t> alternatives(std::size_t current,
                                                std::span<const std::string_view> names) = 0;

 private:
  template <typename Variant, std::size_t I>
  void alternative(Variant& value, std::string_view name) {
    if (value.index() != I) value.template emplace<I>();
    object(name, std::get<I>(value));
  }
};

// --- the templates ------------------------------------------------------------------------------

template <std::integral T>
void Fields::integer(std::string_view name, std::optional<T>& value, const Integer& rule) {
  std::optional<std::int64_t> wide;
  if (value) wide = static_cast<std::int64_t>(*value);
  Integer narrow = rule;
  narrow.max = std::min(
      rule.max, static_cast<std::int64_t>(std::min<std::uint64_t>(
                    std::numeric_limits<T>::max(), std::numeric_limits<std::int64_t>::max())));
  integer(name, wide, narrow);
  if (wide) value = static_cast<T>(*wide);
}

template <std::integral T>
void Fields::integer(std::string_view name, T& value, const Integer& rule) {
  std::optional<T> maybe = value;
  integer(name, maybe, rule);
  if (maybe) value = *maybe;
}

template <typename E>
requires std::is_enum_v<E>
void Fields::choice(std::string_view name, std::optional<E>& value,
                    std::span<const std::string_view> names, Presence presence) {
  std::optional<std::size_t> index;
  if (value && static_cast<std::size_t>(*value) < names.size()) {
    index = static_cast<std::size_t>(*value);
  }
  choice(name, index, names, presence);
  if (index) value = static_cast<E>(*index);
}

template <typename E>
requires std::is_enum_v<E>
void Fields::choice(std::string_view name, E& value, std::span<const std::string_view> names,
                    Presence presence) {
  std::optional<E> maybe = value;
  choice(name, maybe, names, presence);
  if (maybe) value = *maybe;
}

template <typename T>
void Fields::object(std::string_view name, T& value, Presence presence) {
  if (!enter(name, true, presence)) return;
  describe(*this, value);
  leave();
}

template <typename T>
void Fields::object(std::string_view name, std::optional<T>& value) {
  if (!enter(name, value.has_value(), Presence::optional)) return;
  if (!value) value.emplace();
  describe(*this, *value);
  leave();
}

template <typename T>
void Fields::list(std::string_view name, std::vector<T>& value, const List& rule) {
  const std::size_t size = enter_list(name, value.size(), rule);
  value.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    if (!enter_item(i)) break;
    describe(*this, value[i]);
    leave();
  }
  leave_list();
}

template <typename... T>
void Fields::one_of(std::variant<T...>& value, std::span<const std::string_view> names) {
  using Variant = std::variant<T...>;
  for (const std::size_t chosen : alternatives(value.index(), names)) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      ((I == chosen ? alternative<Variant, I>(value, names[I]) : void()), ...);
    }
    (std::index_sequence_for<T...>{});
  }
}

}  // namespace lockkeeper::crds
