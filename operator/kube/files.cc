#include "operator/kube/files.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

namespace lockkeeper::kube {
namespace {

constexpr std::uintmax_t largest_file = 1U << 20U;
constexpr std::chrono::seconds reread_after{60};

}  // namespace

base::Result<std::string> read_file(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return base::precondition("cannot read " + path.string()).with_detail(std::strerror(errno));
  }
  std::error_code unknown;
  if (const auto size = std::filesystem::file_size(path, unknown);
      !unknown && size > largest_file) {
    return base::invalid(path.string() + " is larger than 1 MiB");
  }
  std::ostringstream text;
  text << in.rdbuf();
  if (in.bad()) return base::precondition("cannot read " + path.string());
  return text.str();
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(blank) - first + 1));
}

base::Result<std::string> decode_base64(std::string_view text) {
  std::string packed;
  std::ranges::copy_if(text, std::back_inserter(packed),
                       [](char c) { return c != '\n' && c != '\r' && c != ' '; });
  std::vector<unsigned char> out(packed.size() / 4 * 3 + 1);
  const int size =
      packed.size() % 4 == 0
          ? EVP_DecodeBlock(out.data(), reinterpret_cast<const unsigned char*>(packed.data()),
                            static_cast<int>(packed.size()))
          : -1;
  if (size < 0) return base::invalid("not base64");
  const auto padding = std::min<std::size_t>(
      2, static_cast<std::size_t>(std::ranges::count(packed.rbegin(), packed.rend(), '=')));
  return std::string(out.begin(), out.begin() + size - static_cast<std::ptrdiff_t>(padding));
}

base::Result<std::string> RotatedFile::read(const base::Clock& clock) {
  const base::Lock lock(mutex_);
  const auto now = clock.now();
  if (!token_.empty() && now - read_at_ < reread_after) return token_;
  auto text = read_file(path_);
  if (!text.ok() || trimmed(*text).empty()) {
    if (!token_.empty()) return token_;
    if (!text.ok()) return std::move(text).error();
    return base::precondition(path_.string() + " is empty");
  }
  token_ = trimmed(*text);
  read_at_ = now;
  return token_;
}

void RotatedFile::reject() {
  const base::Lock lock(mutex_);
  read_at_ = {};
}

std::function<std::string()> ca_source(std::shared_ptr<RotatedFile> file) {
  return [file = std::move(file)] {
    auto text = file->read(base::Clock::real());
    return text.ok() ? std::move(text).value() : std::string();
  };
}

}  // namespace lockkeeper::kube
