// HTTP/1.1 on one connection: request after request until the peer, an error or a stop ends it.
#pragma once

#include "dbcore/base/context.h"
#include "operator/server/server.h"
#include "operator/server/stream.h"

namespace lockkeeper::server {

// Returns when the connection is to be closed. ctx is what handlers get.
void serve(const base::Context& ctx, Stream& stream, const Options& options, const Routes& routes);

}  // namespace lockkeeper::server
