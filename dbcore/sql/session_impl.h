// What a Session is made of. Internal to dbcore/sql.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <optional>

#include "dbcore/sql/cancel.h"
#include "dbcore/sql/failure.h"
#include "dbcore/sql/session.h"
#include "dbcore/sql/wait.h"

namespace lockkeeper::sql {

struct FinishConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using Connection = std::unique_ptr<PGconn, FinishConnection>;

// One call on a session: how long it may wait and how it ends.
class Call {
 public:
  // patience: a server that has not answered a cancel by then will not; the socket is closed, and
  // the server notices by client_connection_check_interval.
  Call(const base::Context& ctx, std::chrono::milliseconds patience)
      : ctx_(ctx), patience_(patience), stop_(ctx.stop()), start_(ctx.clock().now()) {}

  // Waits for the socket. After a stop or the deadline it sends cancels, every 100 ms, until the
  // server answers; an error when it never does.
  base::Result<void> wait(const PGconn* connection, const std::optional<BackendKey>& key,
                          short events);
  [[nodiscard]] Ending ending() const { return ending_; }
  [[nodiscard]] std::chrono::milliseconds elapsed() const;
  [[nodiscard]] const base::Context& ctx() const { return ctx_; }

 private:
  base::Result<void> cancel_again(const PGconn* connection, const std::optional<BackendKey>& key);

  const base::Context& ctx_;
  std::chrono::milliseconds patience_;
  StopSignal stop_;
  base::Clock::Steady start_;
  Ending ending_ = Ending::answered;
  std::chrono::steady_clock::time_point cancelling_since_;
};

struct Session::Impl {
  Connection connection;
  std::optional<BackendKey> key;
  std::string role;
  SessionSettings settings;
  base::Logger log;  // of the call that is running: notices go there
  int pid = 0;
  int version = 0;
  std::int64_t slow = 0;
  std::chrono::milliseconds cancel_patience{5'000};

  base::Result<void> ready(const base::Context& ctx);
  base::Result<void> flush(Call& call);
  // The next result, null at the end of a statement's results.
  base::Result<PGresult*> next(Call& call);
  void note(const Call& call, const std::string& text);
  void settle(const Call& call);
  base::Error lost();
};

// Connects and nothing more: no settings.
base::Result<Connection> open_connection(const base::Context& ctx, const Endpoint& endpoint,
                                         const SessionSettings& settings,
                                         std::optional<BackendKey>& key);

// The statements that give a session its settings; the last one's only row is pg_backend_pid().
std::vector<Statement> settings_statements(const SessionSettings& settings, const std::string& role,
                                           int server_version_num);

// Does somebody between us and the server hand its sessions from client to client? Only asked when
// the key that we were given is not the server process's own.
struct PoolerProbe {
  static base::Result<void> refuse_shared_sessions(const base::Context& ctx,
                                                   const Endpoint& endpoint,
                                                   const SessionSettings& settings,
                                                   Session& session);
};
base::Error shared_session_error();

}  // namespace lockkeeper::sql
