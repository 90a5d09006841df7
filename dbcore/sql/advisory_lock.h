// Session-level advisory locks. We never wait for one in the server (a waiting session holds a
// snapshot that CREATE INDEX CONCURRENTLY waits for): tries are short and repeated by the caller.
#pragma once

#include <cstdint>
#include <string_view>

#include "dbcore/base/context.h"
#include "dbcore/sql/session.h"

namespace lockkeeper::sql {

// hashtextextended(text, 0) is computed by the server; this names the text.
struct AdvisoryKey {
  std::string text;
};

enum class AdvisoryMode { exclusive, shared };

class AdvisoryLock {
 public:
  // Empty when somebody else holds it. Lost with the session.
  static base::Result<std::optional<AdvisoryLock>> try_acquire(const base::Context& ctx,
                                                               Session& session,
                                                               const AdvisoryKey& key,
                                                               AdvisoryMode mode);
  AdvisoryLock(AdvisoryLock&& other) noexcept;
  AdvisoryLock& operator=(AdvisoryLock&&) = delete;
  ~AdvisoryLock();  // releases, bounded to a second; a session that cannot is broken
  base::Result<void> release(const base::Context& ctx);

 private:
  AdvisoryLock(Session& session, AdvisoryKey key, AdvisoryMode mode);
  Session* session_;
  AdvisoryKey key_;
  AdvisoryMode mode_;
};

}  // namespace lockkeeper::sql
