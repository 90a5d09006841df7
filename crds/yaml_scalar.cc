#include "crds/yaml_scalar.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace lockkeeper::crds {
namespace {

constexpr std::string_view core = "tag:yaml.org,2002:";

bool any_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_null(std::string_view text) {
  return any_of(text, {"", "~", "null", "Null", "NULL"});
}

std::optional<bool> as_bool(std::string_view text) {
  if (any_of(text, {"true", "True", "TRUE"})) return true;
  if (any_of(text, {"false", "False", "FALSE"})) return false;
  return {};
}

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::int64_t> whole(std::string_view digits, int radix) {
  std::int64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, radix);
  if (error != std::errc() || end != digits.data() + digits.size()) return {};
  return value;
}

std::optional<std::int64_t> as_integer(std::string_view text) {
  if (text.starts_with("0o")) return whole(text.substr(2), 8);
  if (text.starts_with("0x")) return whole(text.substr(2), 16);
  if (text.starts_with('+')) text.remove_prefix(1);
  if (!all_digits(text.starts_with('-') ? text.substr(1) : text)) return {};
  return whole(text, 10);
}

std::string_view take_digits(std::string_view& text) {
  const std::size_t size = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view digits = text.substr(0, size);
  text.remove_prefix(size);
  return digits;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool looks_like_float(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const bool has_whole = !take_digits(text).empty();
  bool has_fraction = false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    has_fraction = !take_digits(text).empty();
  }
  if (!has_whole && !has_fraction) return false;
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  text.remove_prefix(1);
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return all_digits(text);
}

std::optional<double> as_float(std::string_view text) {
  if (!looks_like_float(text)) return {};
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

Json plain(const std::string& text) {
  if (is_null(text)) return nullptr;
  if (const auto flag = as_bool(text)) return *flag;
  if (const auto number = as_integer(text)) return *number;
  if (const auto number = as_float(text)) return *number;
  return text;
}

base::Error mismatch(std::string_view tag, const std::string& text) {
  return base::invalid(fmt::format("\"{}\" does not fit its tag {}", text.substr(0, 64), tag));
}

}  // namespace

base::Result<Json> yaml_scalar(std::string_view tag, const std::string& text) {
  if (tag == "?" || tag.empty()) return plain(text);
  if (tag == "!") return Json(text);
  if (!tag.starts_with(core)) return base::invalid(fmt::format("the tag {} is not known", tag));
  const std::string_view name = tag.substr(core.size());
  if (name == "str") return Json(text);
  const Json value = plain(text);
  const bool fits = (name == "null" && value.is_null()) || (name == "bool" && value.is_boolean()) ||
                    (name == "int" && value.is_number_integer()) ||
                    (name == "float" && value.is_number());
  if (!fits) return mismatch(tag, text);
  return value;
}

}  // namespace lockkeeper::crds
