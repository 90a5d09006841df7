// Small files that hold credentials, and one that is rotated under us.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "dbcore/base/clock.h"
#include "dbcore/base/mutex.h"
#include "dbcore/base/result.h"

namespace lockkeeper::kube {

// precondition when the file cannot be read; a file above 1 MiB is refused (invalid).
base::Result<std::string> read_file(const std::filesystem::path& path);

std::string trimmed(std::string_view text);

// Base64 (RFC 4648, padding required, line breaks allowed); invalid otherwise.
base::Result<std::string> decode_base64(std::string_view text);

// A token, or certificates, that somebody else rotates: read again after a minute, or when the
// server refused it. If it cannot be read then, the last one serves on. Thread-safe.
class RotatedFile {
 public:
  explicit RotatedFile(std::filesystem::path path) : path_(std::move(path)) {}

  base::Result<std::string> read(const base::Clock& clock);
  void reject();

 private:
  const std::filesystem::path path_;
  base::Mutex mutex_;
  std::string token_ LK_GUARDED_BY(mutex_);
  base::Clock::Steady read_at_ LK_GUARDED_BY(mutex_){};
};

// What http::Tls asks for a rotated authority; "" when the file was never readable.
std::function<std::string()> ca_source(std::shared_ptr<RotatedFile> file);

}  // namespace lockkeeper::kube
