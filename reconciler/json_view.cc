#include "reconciler/json_view.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <vector>

namespace lockkeeper::reconcile {
namespace {

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string out;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=' || c == '\n' || c == '\r') continue;
    const int digit = base64_digit(c);
    if (digit < 0) return std::nullopt;
    bits = (bits << 6U) | static_cast<unsigned>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xFFU));
    }
  }
  return out;
}

std::string requirement(const Json& expression) {
  std::string key = text_at(expression, {"key"});
  const std::string op = text_at(expression, {"operator"});
  if (op == "Exists") return key;
  if (op == "DoesNotExist") return "!" + key;
  std::vector<std::string> values;
  for (const Json& value : list_at(expression, {"values"})) {
    if (value.is_string()) values.push_back(value.get<std::string>());
  }
  return fmt::format("{} {} ({})", key, op == "NotIn" ? "notin" : "in", fmt::join(values, ","));
}

}  // namespace

const Json* member(const Json& object, Path path) {
  const Json* at = &object;
  for (const std::string_view name : path) {
    if (!at->is_object()) return nullptr;
    const auto found = at->find(std::string(name));
    if (found == at->end()) return nullptr;
    at = &*found;
  }
  return at;
}

std::optional<std::int64_t> integer_at(const Json& object, Path path) {
  const Json* value = member(object, path);
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  return value->get<std::int64_t>();
}

std::optional<bool> boolean_at(const Json& object, Path path) {
  const Json* value = member(object, path);
  if (value == nullptr || !value->is_boolean()) return std::nullopt;
  return value->get<bool>();
}

std::string text_at(const Json& object, Path path) {
  const Json* value = member(object, path);
  if (value == nullptr || !value->is_string()) return {};
  return value->get<std::string>();
}

std::map<std::string, std::string> texts_at(const Json& object, Path path) {
  std::map<std::string, std::string> out;
  const Json* value = member(object, path);
  if (value == nullptr || !value->is_object()) return out;
  for (const auto& [name, text] : value->items()) {
    if (text.is_string()) out[name] = text.get<std::string>();
  }
  return out;
}

const Json& list_at(const Json& object, Path path) {
  static const Json empty = Json::array();
  const Json* value = member(object, path);
  return value != nullptr && value->is_array() ? *value : empty;
}

std::string pointer_token(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string label_selector(const Json& selector) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : texts_at(selector, {"matchLabels"})) {
    parts.push_back(key + "=" + value);
  }
  for (const Json& expression : list_at(selector, {"matchExpressions"})) {
    parts.push_back(requirement(expression));
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

std::optional<std::string> secret_value(const Json& secret, std::string_view key) {
  const Json* data = member(secret, {"data", key});
  if (data != nullptr && data->is_string()) return base64_decode(data->get<std::string>());
  const Json* plain = member(secret, {"stringData", key});
  if (plain != nullptr && plain->is_string()) return plain->get<std::string>();
  return std::nullopt;
}

}  // namespace lockkeeper::reconcile
