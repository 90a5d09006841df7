// Times as the API writes them (RFC 3339, UTC), and base64 as Secrets and kubeconfigs have it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace lockkeeper::kube {

using WallTime = std::chrono::system_clock::time_point;

// "2026-11-22T16:05:27Z" (metav1.Time).
std::string timestamp(WallTime time);
// "2026-11-22T16:05:27.123456Z" (metav1.MicroTime).
std::string micro_timestamp(WallTime time);
// Both, and offsets such as +02:00; nullopt for anything else.
std::optional<WallTime> parse_timestamp(std::string_view text);

std::string encode_base64(std::string_view bytes);

}  // namespace lockkeeper::kube
