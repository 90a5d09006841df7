#include "operator/http/transport.h"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace lockkeeper::http {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<std::chrono::system_clock::time_point> parse_date(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

}  // namespace

std::optional<std::string_view> find_header(const Headers& headers, std::string_view name) {
  const auto found = std::ranges::find_if(
      headers, [&](const auto& header) { return same_name(header.first, name); });
  if (found == headers.end()) return std::nullopt;
  return std::string_view(found->second);
}

std::optional<std::chrono::milliseconds> Response::retry_after(
    std::chrono::system_clock::time_point now) const {
  const auto value = find_header(headers, "Retry-After");
  if (!value || value->empty()) return std::nullopt;
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value->begin(), value->end(), seconds);
  if (error == std::errc{} && end == value->end() && seconds >= 0) {
    // A day is longer than any peer means, and keeps the arithmetic far from its limits.
    return std::chrono::seconds{std::min<std::int64_t>(seconds, 86'400)};
  }
  const auto date = parse_date(std::string(*value));
  if (!date) return std::nullopt;
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(*date - now);
  return std::clamp<std::chrono::milliseconds>(wait, std::chrono::milliseconds{0},
                                               std::chrono::hours{24});
}

std::string encode_component(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4U];
    out += digits[byte & 0xFU];
  }
  return out;
}

}  // namespace lockkeeper::http
