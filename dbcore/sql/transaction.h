// BEGIN ISOLATION LEVEL READ COMMITTED .. COMMIT; rolls back when it goes out of scope uncommitted.
// Not thread-safe; the session must outlive it and serve nobody else meanwhile.
#pragma once

#include "dbcore/base/context.h"
#include "dbcore/sql/session.h"

namespace lockkeeper::sql {

enum class Isolation { read_committed, repeatable_read_read_only };

class Transaction {
 public:
  static base::Result<Transaction> begin(const base::Context& ctx, Session& session,
                                         Isolation isolation = Isolation::read_committed);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // Of a transaction that the caller opened itself, as part of a pipeline.
  static Transaction adopt(Session& session) { return Transaction(session); }

  Session& session() { return *session_; }
  base::Result<Rows> execute(const base::Context& ctx, const Statement& statement) {
    return session_->execute(ctx, statement);
  }
  base::Result<void> commit(const base::Context& ctx);
  // Bounded to a few seconds; a session that cannot roll back is broken.
  base::Result<void> rollback(const base::Context& ctx);

 private:
  explicit Transaction(Session& session) : session_(&session) {}
  Session* session_;
};

}  // namespace lockkeeper::sql
