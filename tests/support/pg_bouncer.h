// A PgBouncer of the test's own before a PrivatePostgres: TCP, and it believes whoever connects.
//
//   const PgBouncer bouncer(pg, db, "app", "transaction", 5);
//   ... a client of 127.0.0.1:bouncer.port() ...
//
// It listens a moment after the constructor returned. Skip the test when installed() is false.
#pragma once

#include <optional>
#include <string>

#include "tests/support/private_postgres.h"
#include "tests/support/process.h"

namespace lockkeeper::support {

class PgBouncer {
 public:
  // mode: session or transaction; pool_size: sessions with the server.
  PgBouncer(const PrivatePostgres& pg, const std::string& database, const std::string& role,
            const std::string& mode, int pool_size);

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] static bool installed();

 private:
  int port_;
  std::optional<Process> process_;
};

}  // namespace lockkeeper::support
