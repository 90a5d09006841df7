#include "operator/kube/timestamps.h"

#include <date/date.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <sstream>
#include <vector>

namespace lockkeeper::kube {

std::string timestamp(WallTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string micro_timestamp(WallTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time - whole);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), micros.count());
}

std::optional<WallTime> parse_timestamp(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::string normal(text);
  if (normal.back() == 'Z') normal.replace(normal.size() - 1, 1, "+00:00");
  std::istringstream in(normal);
  std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds> parsed;
  in >> date::parse("%FT%T%Ez", parsed);
  if (in.fail() || in.peek() != std::istringstream::traits_type::eof()) return std::nullopt;
  return parsed;
}

std::string encode_base64(std::string_view bytes) {
  std::vector<unsigned char> out(((bytes.size() + 2) / 3) * 4 + 1);
  const int size = EVP_EncodeBlock(out.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  return {out.begin(), out.begin() + size};
}

}  // namespace lockkeeper::kube
