// From a host to the addresses behind it.
#pragma once

#include <netdb.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "dbcore/base/context.h"
#include "dbcore/base/result.h"

namespace lockkeeper::http {

struct Address {
  sockaddr_storage socket{};
  socklen_t size = 0;
  std::string text;  // numeric, without brackets and port
};

// At least one, in the order that the system prefers. Asked in a thread of its own, because it can
// hang as long as it likes: cancelled, or unavailable when it does not answer in time or knows
// none.
base::Result<std::vector<Address>> resolve(const base::Context& ctx, const std::string& host,
                                           const std::string& port, base::Clock::Duration limit);

}  // namespace lockkeeper::http
