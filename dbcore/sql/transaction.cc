#include "dbcore/sql/transaction.h"

#include <utility>

namespace lockkeeper::sql {
namespace {

constexpr std::chrono::seconds longest_rollback{3};

base::Result<void> roll_back(const base::Context& ctx, Session& session) {
  if (!session.in_transaction()) return {};
  // Neither a stop nor a deadline that passed keeps us from giving the locks back.
  const base::Context own =
      base::Context({}, ctx.clock(), ctx.log()).with_timeout(longest_rollback);
  auto done = session.execute(own, "ROLLBACK");
  if (done.ok()) return {};
  session.close();
  return std::move(done).error();
}

}  // namespace

base::Result<Transaction> Transaction::begin(const base::Context& ctx, Session& session,
                                             Isolation isolation) {
  if (session.in_transaction()) return base::internal("a transaction is open already");
  auto begun = isolation == Isolation::read_committed
                   ? session.execute(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED")
                   : session.execute(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  if (!begun.ok()) return std::move(begun).error();
  return Transaction(session);
}

Transaction::Transaction(Transaction&& other) noexcept
    : session_(std::exchange(other.session_, nullptr)) {}

Transaction::~Transaction() {
  if (session_ == nullptr) return;
  const auto done = roll_back(base::Context(), *session_);
  if (!done.ok()) base::Context().log().warn("rollback failed", {{"error", done.error().text()}});
}

base::Result<void> Transaction::commit(const base::Context& ctx) {
  if (session_ == nullptr) return base::internal("the transaction has ended already");
  if (session_->in_failed_transaction()) {
    // COMMIT would answer "ROLLBACK" and look like success.
    TRY_OK(rollback(ctx));
    return base::internal("commit of a transaction in which a statement had failed");
  }
  auto done = session_->execute(ctx, "COMMIT");
  if (!done.ok()) {
    if (done.error().sqlstate.empty() && session_->broken()) {
      done =
          std::move(done).error().with_detail("whether the transaction was committed is unknown");
    }
    return std::move(done).error();  // the destructor rolls back what is still open
  }
  session_ = nullptr;
  return {};
}

base::Result<void> Transaction::rollback(const base::Context& ctx) {
  if (session_ == nullptr) return {};
  return roll_back(ctx, *std::exchange(session_, nullptr));
}

}  // namespace lockkeeper::sql
