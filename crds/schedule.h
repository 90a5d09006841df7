// When schema changes are allowed: five-field cron expressions in a time zone's wall time, each
// opening a window of some duration. Immutable; thread-safe.
//
// Fields are minute, hour, day of month, month, day of week (0 and 7 are Sunday), with lists,
// ranges, steps and the English three-letter names. As everywhere, a day matches when either day
// field does if both are restricted. A wall time that a spring change skips opens at the change
// itself, one that an autumn change repeats opens the first time only.
#pragma once

#include <bitset>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crds/fields.h"
#include "dbcore/base/result.h"

namespace lockkeeper::crds {

struct Window {
  std::string cron;
  std::chrono::milliseconds duration{0};
  std::string time_zone = "UTC";
  bool operator==(const Window&) const = default;
};

void describe(Fields& f, Window& window);

// One cron expression, without a time zone.
class Cron {
 public:
  // invalid with what is wrong with it.
  static base::Result<Cron> parse(std::string_view text);

  [[nodiscard]] bool matches_day(std::chrono::year_month_day day) const;
  // Minutes after midnight, in order.
  [[nodiscard]] const std::vector<std::chrono::minutes>& times() const { return times_; }

 private:
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<7> weekdays_;
  bool any_day_ = false;      // the day of month is *
  bool any_weekday_ = false;  // the day of week is *
  std::vector<std::chrono::minutes> times_;
};

class Schedule {
 public:
  using Time = std::chrono::system_clock::time_point;

  // path is where the list stands: errors are invalid, with the path of the field.
  static base::Result<Schedule> make(std::span<const Window> windows,
                                     std::string_view path = "spec.windows");

  // Without windows it is always open.
  [[nodiscard]] bool open(Time now) const;
  // When the present opening ends, windows that overlap or touch counted as one; empty when it is
  // closed, has no windows, or does not end within 8 days.
  [[nodiscard]] std::optional<Time> closes_at(Time now) const;
  // The next moment after now at which a window opens; empty when there is none within nine years.
  [[nodiscard]] std::optional<Time> opens_at(Time now) const;

 private:
  struct Entry;
  std::vector<std::shared_ptr<const Entry>> entries_;
};

}  // namespace lockkeeper::crds
