#include "crds/schedule.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>

#include "crds/rules.h"

namespace lockkeeper::crds {

using std::chrono::hours;
using std::chrono::milliseconds;
using Time = Schedule::Time;

namespace {

constexpr hours longest_window{24 * 7};
constexpr hours longest_look{24 * 8};
constexpr int days_ahead = 366 * 9;  // 29 February may be eight years away

std::chrono::year_month_day calendar_day(date::local_days day) {
  return std::chrono::year_month_day(
      std::chrono::sys_days(std::chrono::days(day.time_since_epoch().count())));
}

// Throws in the library when the name is unknown: caught here and nowhere else.
const date::time_zone* find_zone(const std::string& name) {
  try {
    return date::locate_zone(name);
  } catch (const std::exception&) {
    return nullptr;
  }
}

}  // namespace

struct Schedule::Entry {
  Cron cron;
  milliseconds duration;
  const date::time_zone* zone;

  [[nodiscard]] Time instant(date::local_days day, std::chrono::minutes at) const {
    const date::local_seconds local = day + at;
    return zone->to_sys(local, date::choose::earliest);
  }

  [[nodiscard]] date::local_days local_day(Time time) const {
    return date::floor<date::days>(zone->to_local(time));
  }

  // The latest opening at or before the time, if it is not older than a window is long.
  [[nodiscard]] std::optional<Time> latest(Time time) const {
    const date::local_days today = local_day(time);
    const date::local_days oldest = local_day(time - duration) - date::days(1);
    for (date::local_days day = today; day >= oldest; day -= date::days(1)) {
      if (!cron.matches_day(calendar_day(day))) continue;
      const auto& times = cron.times();
      const auto later =
          std::partition_point(times.begin(), times.end(),
                               [&](std::chrono::minutes at) { return instant(day, at) <= time; });
      if (later != times.begin()) return instant(day, *std::prev(later));
    }
    return {};
  }

  [[nodiscard]] std::optional<Time> next(Time time) const {
    date::local_days day = local_day(time) - date::days(1);
    for (int i = 0; i < days_ahead; ++i, day += date::days(1)) {
      if (!cron.matches_day(calendar_day(day))) continue;
      for (const std::chrono::minutes at : cron.times()) {
        if (const Time opening = instant(day, at); opening > time) return opening;
      }
    }
    return {};
  }

  // The end of the opening that is not over at the time, or that begins then.
  [[nodiscard]] std::optional<Time> end(Time time) const {
    const auto opening = latest(time);
    if (!opening || *opening + duration <= time) return {};
    return *opening + duration;
  }
};

void describe(Fields& f, Window& w) {
  f.text("cron", w.cron, {.required = true, .min = 9, .max = 255, .shape = &shapes::not_blank});
  f.duration("duration", w.duration,
             {.min = milliseconds(60'000), .max = longest_window, .required = true});
  f.text("timeZone", w.time_zone, {.min = 1, .max = 63, .shape = &shapes::time_zone});
}

base::Result<Schedule> Schedule::make(std::span<const Window> windows, std::string_view path) {
  Schedule schedule;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const Window& window = windows[i];
    auto cron = Cron::parse(window.cron);
    if (!cron) return std::move(cron).error().with_path(fmt::format("{}[{}].cron", path, i));
    const date::time_zone* zone = find_zone(window.time_zone);
    if (zone == nullptr) {
      return base::invalid(fmt::format("there is no time zone \"{}\"", window.time_zone))
          .with_path(fmt::format("{}[{}].timeZone", path, i))
          .with_hint("a name of the IANA database such as Europe/Berlin");
    }
    auto entry = std::make_shared<Entry>(Entry{std::move(*cron), window.duration, zone});
    if (!entry->next(Time(std::chrono::sys_days(std::chrono::year(2024) / 1 / 1)))) {
      return base::invalid(fmt::format("\"{}\" never comes", window.cron))
          .with_path(fmt::format("{}[{}].cron", path, i));
    }
    schedule.entries_.push_back(std::move(entry));
  }
  return schedule;
}

bool Schedule::open(Time now) const {
  return entries_.empty() ||
         std::any_of(entries_.begin(), entries_.end(),
                     [now](const auto& entry) { return entry->end(now).has_value(); });
}

std::optional<Time> Schedule::closes_at(Time now) const {
  Time end = now;
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& entry : entries_) {
      const auto later = entry->end(end);
      if (!later || *later <= end) continue;
      end = *later;
      grown = true;
    }
    if (end - now > longest_look) return {};
  }
  if (end == now) return {};
  return end;
}

std::optional<Time> Schedule::opens_at(Time now) const {
  std::optional<Time> first;
  for (const auto& entry : entries_) {
    const auto next = entry->next(now);
    if (next && (!first || *next < *first)) first = next;
  }
  return first;
}

}  // namespace lockkeeper::crds
