// The certificate that a TLS server shows: from two files that may change at any time, or made in
// memory. Thread-safe.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "dbcore/base/log.h"
#include "dbcore/base/mutex.h"
#include "dbcore/base/result.h"
#include "operator/server/server.h"

namespace lockkeeper::server {

using TlsContext = std::shared_ptr<SSL_CTX>;

class CertificateSource {
 public:
  // invalid when the files cannot be used.
  static base::Result<std::unique_ptr<CertificateSource>> open(const Certificate& certificate);

  // For the next connection. Files that changed are read again; what cannot be used is logged once,
  // and the last good certificate stays.
  TlsContext current(const base::Logger& log);

 private:
  // Enough of stat() to see that a file is another one.
  struct Stamp {
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    std::uint64_t inode = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct Stamps {
    Stamp certificate{};
    Stamp key{};
    bool operator==(const Stamps&) const = default;
  };

  explicit CertificateSource(Certificate certificate) : files_(std::move(certificate)) {}
  [[nodiscard]] Stamps stamps() const;
  static Stamp stamp_of(const std::string& path);

  const Certificate files_;
  base::Mutex mutex_;
  TlsContext context_ LK_GUARDED_BY(mutex_);
  Stamps seen_ LK_GUARDED_BY(mutex_);
};

}  // namespace lockkeeper::server
