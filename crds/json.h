// JSON in and out of the types: a strict reader, a writer, and a parser that refuses what others
// overlook. Pure functions, thread-safe.
//
// Refused by the strict reader, with the path: an unknown field, a wrong type (null included), an
// unknown enum value, a string or list out of its bounds, a list item given twice, two alternatives
// where one is wanted. The lenient reader, for what the API server or another version of ours
// wrote, skips unknown fields and values and ignores bounds.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "crds/fields.h"
#include "dbcore/base/result.h"

namespace lockkeeper::crds {

using Json = nlohmann::json;

inline constexpr std::size_t max_text_bytes = 256 * 1024;  // of all strings of one object

// invalid for what is no JSON, for a key given twice, and for nesting beyond 64.
base::Result<Json> parse_json(std::string_view text);

namespace json {

using Visit = void (*)(Fields&, void*);

base::Result<void> read(const Json& object, std::string_view path, bool strict, void* value,
                        Visit visit);
Json write(void* value, Visit visit, bool cut);

template <typename T>
void visit(Fields& fields, void* value) {
  describe(fields, *static_cast<T*>(value));
}

}  // namespace json

// path is where the object stands: "spec". Errors are invalid, with the path of the field.
template <typename T>
base::Result<T> read_strict(const Json& object, std::string_view path) {
  T value;
  TRY_OK(json::read(object, path, true, &value, json::visit<T>));
  return value;
}

template <typename T>
base::Result<T> read_lenient(const Json& object, std::string_view path) {
  T value;
  TRY_OK(json::read(object, path, false, &value, json::visit<T>));
  return value;
}

// The default parameter keeps nlohmann's big header out of this one.
template <typename T, typename Tree = Json>
Tree write(T value) {
  return json::write(&value, json::visit<T>, false);
}

// The same, with strings and lists cut to their bounds: for a status, which must never be refused.
template <typename T, typename Tree = Json>
Tree write_cut(T value) {
  return json::write(&value, json::visit<T>, true);
}

}  // namespace lockkeeper::crds
