#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "crds/schedule.h"

namespace lockkeeper::crds {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 12> month_names = {"jan", "feb", "mar", "apr", "may", "jun",
                                                          "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> weekday_names = {"sun", "mon", "tue", "wed",
                                                           "thu", "fri", "sat"};

struct FieldRule {
  std::string_view name;
  int min;
  int max;
  Names names;  // of min, min + 1, ...
};

constexpr std::size_t minute = 0;
constexpr std::size_t hour = 1;
constexpr std::size_t month_day = 2;
constexpr std::size_t month = 3;
constexpr std::size_t week_day = 4;
const std::array<FieldRule, 5> field_rules = {{{"minute", 0, 59, {}},
                                               {"hour", 0, 23, {}},
                                               {"day of month", 1, 31, {}},
                                               {"month", 1, 12, month_names},
                                               {"day of week", 0, 7, weekday_names}}};

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  std::size_t at = 0;
  while (at <= text.size()) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> parts = split(text, " \t");
  std::erase(parts, std::string_view());
  return parts;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

base::Error bad_value(const FieldRule& rule, std::string_view text) {
  return base::invalid(
      fmt::format("\"{}\" is not a {} between {} and {}", text, rule.name, rule.min, rule.max));
}

base::Result<int> parse_value(const FieldRule& rule, std::string_view text) {
  const auto named = std::find(rule.names.begin(), rule.names.end(), lower_case(text));
  if (named != rule.names.end()) return rule.min + static_cast<int>(named - rule.names.begin());
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < rule.min ||
      value > rule.max) {
    return bad_value(rule, text);
  }
  return value;
}

struct Range {
  int first;
  int last;
};

// "*", "5", "1-5"; a single value with a step runs to the end of the field.
base::Result<Range> parse_range(const FieldRule& rule, std::string_view text, bool stepped) {
  if (text == "*") return Range{rule.min, rule.max == 7 ? 6 : rule.max};
  const std::size_t dash = text.find('-');
  TRY(const int first, parse_value(rule, text.substr(0, dash)));
  if (dash == std::string_view::npos) return Range{first, stepped ? rule.max : first};
  TRY(const int last, parse_value(rule, text.substr(dash + 1)));
  if (first > last) return bad_value(rule, text);
  return Range{first, last};
}

base::Result<int> parse_step(const FieldRule& rule, std::string_view text) {
  int step = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
  if (error != std::errc() || end != text.data() + text.size() || step < 1 || step > rule.max) {
    return base::invalid(fmt::format("\"{}\" is not a step for a {}", text, rule.name));
  }
  return step;
}

using Bits = std::bitset<60>;

base::Result<Bits> parse_field(const FieldRule& rule, std::string_view text) {
  Bits bits;
  for (const std::string_view item : split(text, ",")) {
    const std::size_t slash = item.find('/');
    const bool stepped = slash != std::string_view::npos;
    int step = 1;
    if (stepped) {
      TRY(step, parse_step(rule, item.substr(slash + 1)));
    }
    TRY(const Range range, parse_range(rule, item.substr(0, slash), stepped));
    for (int value = range.first; value <= range.last; value += step) {
      bits.set(static_cast<std::size_t>(value));
    }
  }
  return bits;
}

template <std::size_t N>
std::bitset<N> narrow(const Bits& bits) {
  std::bitset<N> narrowed;
  for (std::size_t i = 0; i < N; ++i) narrowed[i] = bits[i];
  return narrowed;
}

}  // namespace

base::Result<Cron> Cron::parse(std::string_view text) {
  const std::vector<std::string_view> parts = words(text);
  if (parts.size() != field_rules.size()) {
    return base::invalid(
               fmt::format("a cron expression has five fields, this one has {}", parts.size()))
        .with_hint("minute, hour, day of month, month, day of week: \"0 9 * * 1-4\"");
  }
  std::array<Bits, 5> bits;
  for (std::size_t i = 0; i < bits.size(); ++i) {
    TRY(bits[i], parse_field(field_rules[i], parts[i]));
  }
  Cron cron;
  cron.days_ = narrow<32>(bits[month_day]);
  cron.months_ = narrow<13>(bits[month]);
  cron.weekdays_ = narrow<7>(bits[week_day]);
  if (bits[week_day][7]) cron.weekdays_.set(0);
  cron.any_day_ = parts[month_day].starts_with('*');
  cron.any_weekday_ = parts[week_day].starts_with('*');
  for (int h = 0; h < 24; ++h) {
    for (int m = 0; m < 60; ++m) {
      if (!bits[hour][static_cast<std::size_t>(h)]) continue;
      if (!bits[minute][static_cast<std::size_t>(m)]) continue;
      cron.times_.emplace_back(h * 60 + m);
    }
  }
  return cron;
}

bool Cron::matches_day(std::chrono::year_month_day day) const {
  if (!months_[static_cast<unsigned>(day.month())]) return false;
  const bool by_date = days_[static_cast<unsigned>(day.day())];
  const bool by_weekday = weekdays_[std::chrono::weekday(std::chrono::sys_days(day)).c_encoding()];
  if (any_day_ || any_weekday_) return by_date && by_weekday;
  return by_date || by_weekday;
}

}  // namespace lockkeeper::crds
