// Sessions of dbcore/sql to a test's own server.
#pragma once

#include <string>

#include "dbcore/sql/session.h"
#include "tests/support/private_postgres.h"

namespace lockkeeper::support {

// Over TCP with a password when port is given (a FaultProxy's, or pg.port()), else over the socket.
inline sql::Endpoint endpoint_of(const PrivatePostgres& pg, const std::string& database,
                                 const std::string& role = "postgres", int port = 0) {
  sql::Endpoint endpoint;
  endpoint.parameters = {{"host", port == 0 ? pg.socket_dir().string() : "127.0.0.1"},
                         {"port", std::to_string(port == 0 ? pg.port() : port)},
                         {"dbname", database},
                         {"user", role}};
  if (port != 0) endpoint.password = role;
  return endpoint;
}

}  // namespace lockkeeper::support
