// An HTTP/1.1 answer off a connection that ends with it: head, then a body by length, in chunks or
// to the end. What is longer than the cap is cut.
#pragma once

#include <functional>

#include "operator/http/transport.h"

namespace lockkeeper::http {

// Gives at least one byte; 0 when the peer has closed.
using ReadSome = std::function<base::Result<std::size_t>(char* buffer, std::size_t size)>;

// unavailable when what comes is not HTTP, its head is longer than 64 KiB, or it ends too early.
base::Result<Response> read_response(const ReadSome& read, std::size_t max_body);

}  // namespace lockkeeper::http
