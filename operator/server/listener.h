// A listening TCP socket.
#pragma once

#include <cstdint>
#include <string>

#include "dbcore/base/result.h"
#include "operator/server/stream.h"

namespace lockkeeper::server {

struct Listener {
  Descriptor socket;
  std::uint16_t port = 0;
};

// "host:port", ":port", "[::1]:port"; invalid when it cannot be read or bound.
base::Result<Listener> listen_on(const std::string& address);

}  // namespace lockkeeper::server
