// Durations as users write them (500ms, 10m, 72h30m) and times as Kubernetes does (RFC 3339, UTC).
// Pure functions, thread-safe.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace lockkeeper::crds {

// Whole numbers with the units ms, s, m, h, biggest first or not; empty when the text is no
// duration or is beyond 100 years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
// The shortest form: 90s is 1m30s, 0 is 0s. Never negative: those print as 0s.
std::string format_duration(std::chrono::milliseconds duration);

// 2026-11-22T12:00:00Z, with optional fraction (dropped) and offset.
std::optional<std::chrono::sys_seconds> parse_time(std::string_view text);
std::string format_time(std::chrono::sys_seconds time);

}  // namespace lockkeeper::crds
