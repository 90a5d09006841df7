// One PostgreSQL session with one owner at a time (movable, not thread-safe).
//
// Every call is PQsendQuery plus poll: it ends at the context's deadline or stop. A stop sends a
// cancel and repeats it every 100 ms until the server answers; afterwards the session is broken()
// and must be closed, never pooled. Notices go to the log. Errors carry SQLSTATE, detail and hint,
// and are classified by sql/sqlstate.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dbcore/base/context.h"
#include "dbcore/sql/rows.h"
#include "dbcore/sql/statement.h"

namespace lockkeeper::sql {

class SlowLog;

// Where to connect and as whom. The password stands apart so that the rest may be logged.
struct Endpoint {
  std::map<std::string, std::string>
      parameters;  // libpq keywords: host, port, dbname, user, sslmode, sslrootcert ...
  std::string password;
  std::string role;  // SET ROLE after connecting; empty: stay who we are

  bool operator==(const Endpoint&) const = default;
  // "user@host:port/dbname", for people.
  [[nodiscard]] std::string display() const;
};

// Applied on every connect and asserted again on every lease.
struct SessionSettings {
  std::string application_name = "lockkeeper";
  std::chrono::milliseconds lock_timeout{500};
  std::chrono::milliseconds statement_timeout{30'000};
  std::chrono::milliseconds idle_in_transaction_timeout{60'000};
  std::chrono::milliseconds slow_query{1'000};  // warn above; 0: never
  bool log_queries = false;                     // text of statements at info level
  std::shared_ptr<SlowLog> slow_log;            // where slow statements are kept; null: nowhere
  bool operator==(const SessionSettings&) const = default;
};

class Session {
 public:
  struct Impl;  // internal to dbcore/sql
  // Connects within the context's deadline (at most 10 s): row_security=off, empty search_path,
  // client_connection_check_interval=1s where the server has it, tcp keepalives 10/5/3.
  static base::Result<Session> connect(const base::Context& ctx, const Endpoint& endpoint,
                                       const SessionSettings& settings);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  // One statement, with parameters (extended protocol) or without.
  base::Result<Rows> execute(const base::Context& ctx, const Statement& statement);
  // All in one round trip (pipeline mode); the first error is returned and the rest is not run.
  // Inside a transaction that is open, or with BEGIN and COMMIT among them.
  base::Result<std::vector<Rows>> pipeline(const base::Context& ctx,
                                           std::span<const Statement> statements);
  // One boolean in one row; an empty result is false.
  base::Result<bool> ask(const base::Context& ctx, const Statement& statement);

  // As freshly connected: settings, role, advisory locks and custom settings. Refuses a session
  // that is inside a transaction or whose server process is another one than at connect.
  base::Result<void> reset(const base::Context& ctx, const SessionSettings& settings);
  // SET application_name, for the ledger's correlation id.
  base::Result<void> set_application_name(const base::Context& ctx, std::string_view name);

  [[nodiscard]] int server_version_num() const;  // 150020
  // pg_backend_pid(): what pg_stat_activity and pg_blocking_pids() call us.
  [[nodiscard]] int backend_pid() const;
  [[nodiscard]] std::string parameter_status(const std::string& name) const;
  [[nodiscard]] bool in_transaction() const;
  // A statement failed in the open transaction: only ROLLBACK is left.
  [[nodiscard]] bool in_failed_transaction() const;
  [[nodiscard]] bool broken() const;
  // Statements of this session that took longer than SessionSettings::slow_query.
  [[nodiscard]] std::int64_t slow_queries() const;
  void count_slow_queries_anew();
  void close();

 private:
  friend struct PoolerProbe;
  // Without settings.
  static base::Result<Session> connect_bare(const base::Context& ctx, const Endpoint& endpoint,
                                            const SessionSettings& settings);
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lockkeeper::sql
