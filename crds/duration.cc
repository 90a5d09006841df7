#include "crds/duration.h"

#include <fmt/format.h>

#include <charconv>

namespace lockkeeper::crds {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds longest = std::chrono::hours(24 * 365 * 100);

// Takes one "72h" from the front.
std::optional<milliseconds> take_part(std::string_view& rest) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
  if (error != std::errc() || end == rest.data() || count < 0 || rest.front() == '-') return {};
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  const std::size_t unit_size = std::min(rest.find_first_of("0123456789"), rest.size());
  const std::string_view unit = rest.substr(0, unit_size);
  rest.remove_prefix(unit_size);
  std::int64_t factor = 0;
  if (unit == "ms") factor = 1;
  if (unit == "s") factor = 1'000;
  if (unit == "m") factor = 60'000;
  if (unit == "h") factor = 3'600'000;
  if (factor == 0 || count > longest.count() / factor) return {};
  return milliseconds(count * factor);
}

std::optional<int> take_digits(std::string_view& rest, std::size_t count) {
  if (rest.size() < count) return {};
  int value = 0;
  for (const char c : rest.substr(0, count)) {
    if (c < '0' || c > '9') return {};
    value = value * 10 + (c - '0');
  }
  rest.remove_prefix(count);
  return value;
}

bool take(std::string_view& rest, std::string_view any_of) {
  if (rest.empty() || any_of.find(rest.front()) == std::string_view::npos) return false;
  rest.remove_prefix(1);
  return true;
}

std::optional<std::chrono::sys_days> take_date(std::string_view& rest) {
  const auto year = take_digits(rest, 4);
  if (!year || !take(rest, "-")) return {};
  const auto month = take_digits(rest, 2);
  if (!month || !take(rest, "-")) return {};
  const auto day = take_digits(rest, 2);
  if (!day) return {};
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return {};
  return std::chrono::sys_days(date);
}

std::optional<std::chrono::seconds> take_clock(std::string_view& rest, bool with_seconds) {
  const auto hour = take_digits(rest, 2);
  if (!hour || *hour > 23 || !take(rest, ":")) return {};
  const auto minute = take_digits(rest, 2);
  if (!minute || *minute > 59) return {};
  std::chrono::seconds sum = std::chrono::hours(*hour) + std::chrono::minutes(*minute);
  if (!with_seconds) return sum;
  if (!take(rest, ":")) return {};
  const auto second = take_digits(rest, 2);
  if (!second || *second > 60) return {};
  return sum + std::chrono::seconds(*second);
}

std::optional<std::chrono::seconds> take_offset(std::string_view& rest) {
  if (take(rest, "Zz")) return std::chrono::seconds(0);
  const bool west = !rest.empty() && rest.front() == '-';
  if (!take(rest, "+-")) return {};
  const auto offset = take_clock(rest, false);
  if (!offset) return {};
  return west ? -*offset : *offset;
}

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
  if (text.empty()) return {};
  milliseconds sum{0};
  while (!text.empty()) {
    const auto part = take_part(text);
    if (!part) return {};
    sum += *part;
    if (sum > longest) return {};
  }
  return sum;
}

std::string format_duration(milliseconds duration) {
  if (duration.count() <= 0) return "0s";
  std::string text;
  std::int64_t rest = duration.count();
  const auto part = [&](std::int64_t factor, std::string_view unit) {
    if (rest >= factor) text += fmt::format("{}{}", rest / factor, unit);
    rest %= factor;
  };
  part(3'600'000, "h");
  part(60'000, "m");
  part(1'000, "s");
  part(1, "ms");
  return text;
}

std::optional<std::chrono::sys_seconds> parse_time(std::string_view text) {
  const auto date = take_date(text);
  if (!date || !take(text, "Tt ")) return {};
  const auto clock = take_clock(text, true);
  if (!clock) return {};
  if (take(text, ".")) {
    while (take(text, "0123456789")) {
    }
  }
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return {};
  return *date + *clock - *offset;
}

std::string format_time(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace lockkeeper::crds
