// A plain libpq session for the test's own side: clients, lock holders, readers of the truth.
//
//   PgConnection holder(pg.uri("postgres", db));
//   holder.exec("BEGIN; LOCK TABLE users");     // held until holder.exec("COMMIT") or its end
//   holder.send("SELECT pg_sleep(60)");         // does not wait
//
// Failures throw PgError. Not thread-safe; the destructor closes.
#pragma once

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

struct pg_conn;

namespace lockkeeper::support {

class PgError : public std::runtime_error {
 public:
  PgError(const std::string& message, std::string sqlstate)
      : std::runtime_error(message), sqlstate_(std::move(sqlstate)) {}
  // Five characters; empty when the connection itself failed.
  [[nodiscard]] const std::string& sqlstate() const { return sqlstate_; }

 private:
  std::string sqlstate_;
};

class PgConnection {
 public:
  explicit PgConnection(const std::string& uri);

  // Rows of all results as `psql -At` prints them: fields joined by |, rows by a new line, NULL
  // empty. Several statements are one transaction, as in any simple query.
  std::string exec(const std::string& sql);
  // Sends and returns; finish() gives what exec() would have.
  void send(const std::string& sql);
  std::string finish();
  // True when the sent query has its answer.
  [[nodiscard]] bool answered();
  // Asks the server to cancel what runs.
  void cancel();

  [[nodiscard]] int backend_pid() const;

 private:
  struct Close {
    void operator()(pg_conn* connection) const;
  };
  std::unique_ptr<pg_conn, Close> connection_;
};

}  // namespace lockkeeper::support
