#include "dbcore/plan/hash.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "dbcore/base/result.h"

namespace lockkeeper::plan {

std::string sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1) {
    base::die_of_unchecked(base::internal("SHA-256 is not available"));
  }
  std::string out;
  for (unsigned int i = 0; i < length; ++i) out += fmt::format("{:02x}", digest[i]);
  return out;
}

}  // namespace lockkeeper::plan
