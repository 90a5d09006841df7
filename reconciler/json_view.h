// Reads members of objects that others wrote: absent, null and of another type are all "not there".
// Pure, thread-safe.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace lockkeeper::reconcile {

using Json = nlohmann::json;
using Path = std::initializer_list<std::string_view>;

// Null: a member on the way is not there.
const Json* member(const Json& object, Path path);
std::optional<std::int64_t> integer_at(const Json& object, Path path);
std::optional<bool> boolean_at(const Json& object, Path path);
// Empty: not there.
std::string text_at(const Json& object, Path path);
std::map<std::string, std::string> texts_at(const Json& object, Path path);
// The list, or an empty one.
const Json& list_at(const Json& object, Path path);

// One token of a JSON pointer: ~ and / escaped.
std::string pointer_token(std::string_view name);

// spec.selector of a workload as the API's labelSelector parameter; empty when it selects nothing.
std::string label_selector(const Json& selector);

// The bytes of one key of a Secret's data (base64 decoded), or of stringData as a test may give it.
std::optional<std::string> secret_value(const Json& secret, std::string_view key);

}  // namespace lockkeeper::reconcile
