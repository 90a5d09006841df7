// A PostgreSQL 15 cluster of the test's own: temporary folder, free port, never as root.
//
//   auto& pg = PrivatePostgres::shared();          // one per test program, started at first use
//   const auto db = pg.create_database();           // fresh and empty, a few ms
//   pg.create_role("app");                          // LOGIN, password = its name
//   pg.uri("app", db)                               // postgresql://app:app@127.0.0.1:PORT/db
//   pg.sql(db, "SELECT 1")                          // as superuser postgres, over the socket
//
// TCP asks for the password (scram), the Unix socket trusts. Roles are shared by the databases of a
// cluster: give them names of their own per test, or make your own cluster. Failures throw
// std::runtime_error, with the end of the server's log when it did not start. Not thread-safe, but
// sql() and uri() may be called from any thread. A test that stops or breaks the server makes its
// own PrivatePostgres instead of using the shared one.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/process.h"

namespace lockkeeper::support {

struct PostgresOptions {
  bool fsync = false;  // on for tests that kill the server and ask what survived
  bool ssl = false;    // a certificate for 127.0.0.1 and localhost, signed by ca_certificate()
  std::vector<std::string> settings = {};  // more lines of postgresql.conf; the last one wins
};

enum class StopMode { fast, immediate };

class PrivatePostgres {
 public:
  explicit PrivatePostgres(PostgresOptions options = {});
  ~PrivatePostgres();
  PrivatePostgres(const PrivatePostgres&) = delete;
  PrivatePostgres& operator=(const PrivatePostgres&) = delete;

  // The cluster that the tests of this program share; stopped at the end of main.
  static PrivatePostgres& shared();
  static void stop_shared();

  // Returns the new database's name. owner: an existing role; empty: postgres.
  std::string create_database(std::string_view owner = "");
  // attributes as in CREATE ROLE, such as "CREATEDB"; the role can log in, its password is its
  // name.
  void create_role(std::string_view name, std::string_view attributes = "");

  void start();
  void stop(StopMode mode = StopMode::fast);
  void restart(StopMode mode = StopMode::fast);
  // SIGKILL to the postmaster, as a lost machine: the next start() recovers.
  void crash();

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] const std::filesystem::path& socket_dir() const { return folder_; }
  // Over TCP with a password, sslmode=disable unless the cluster has ssl (then require).
  [[nodiscard]] std::string uri(std::string_view role, std::string_view database,
                                std::string_view password = "") const;
  // The same but through another port of 127.0.0.1: a FaultProxy.
  [[nodiscard]] std::string uri_through(int port, std::string_view role,
                                        std::string_view database) const;
  // Over the Unix socket without a password.
  [[nodiscard]] std::string socket_uri(std::string_view role, std::string_view database) const;

  // One simple query in a session of its own; what `psql -At` would print.
  [[nodiscard]] std::string sql(std::string_view database, const std::string& text,
                                std::string_view role = "postgres") const;
  // As sql(), for statements that give no rows, and without [[nodiscard]].
  void execute(std::string_view database, const std::string& text,
               std::string_view role = "postgres") const;

  // `pg_dump -s` without comments, SET lines and empty lines. more: further arguments of pg_dump.
  [[nodiscard]] std::string dump_schema(std::string_view database,
                                        std::vector<std::string> more = {}) const;
  // md5 over all rows of a table, in the order of their text.
  [[nodiscard]] std::string row_hash(std::string_view database, std::string_view table) const;

  // A streaming hot standby of this cluster, ready to read; it must be destroyed first.
  [[nodiscard]] std::unique_ptr<PrivatePostgres> make_replica();
  // Waits until the replica has replayed all that is written now.
  [[nodiscard]] bool caught_up(const PrivatePostgres& replica) const;

  [[nodiscard]] std::string log() const;
  [[nodiscard]] std::filesystem::path ca_certificate() const { return folder_ / "ca.crt"; }
  // The directory of PostgreSQL's programs, such as pgbench.
  static std::filesystem::path programs();

 private:
  explicit PrivatePostgres(const PrivatePostgres& primary, int base_backup_of_port);
  void prepare_folder();
  void make_certificates() const;
  void write_settings() const;
  void launch();
  [[nodiscard]] bool accepts_connections() const;

  PostgresOptions options_;
  std::filesystem::path folder_;  // sockets, certificates, log; data is below
  int port_ = 0;
  std::unique_ptr<Process> postmaster_;
};

}  // namespace lockkeeper::support
