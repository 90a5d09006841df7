// Sees each write to the ledger from within the database, and can hold one of them: so a test knows
// in which step the operator is, stops it there, and counts what was done more than once.
//
//   LedgerWatch watch(shop);                   // the ledger must be there
//   const Moment moment{"backfill-users", Instant::inside};
//   watch.hold(moment);
//   ASSERT_TRUE(await([&] { return watch.reached(moment); }));
//   shop.lockkeeper().kill();
//   watch.release();
#pragma once

#include <string>
#include <vector>

#include "tests/e2e/shop.h"
#include "tests/support/pg_connection.h"

namespace lockkeeper::e2e {

enum class Instant {
  intent,  // "running" is being written; steps of one transaction write none
  inside,  // a chunk with its cursor
  result,  // "done" is being written: the work of a transaction is in it
  after,   // "done" is committed
  undo,    // "undone" is being written
  undone   // and committed
};
std::string to_string(Instant instant);

struct Moment {
  std::string step;
  Instant instant = Instant::after;
};

class LedgerWatch {
 public:
  explicit LedgerWatch(const Shop& shop);

  // Whoever comes to that instant of the step waits there; what is committed holds nobody.
  void hold(const Moment& moment);
  void release();
  // Somebody waits there, or it is committed.
  [[nodiscard]] bool reached(const Moment& moment);
  // All that were seen, in the order in which the plan has them, and its undo after that.
  [[nodiscard]] std::vector<Moment> moments();
  // Steps that were done or undone more than once, or never, and writes of an owner after its
  // successor's;
  // "" when there is none.
  [[nodiscard]] std::string irregularities();

 private:
  support::PgConnection keeper_;  // holds the lock that others wait for
  support::PgConnection observer_;
};

}  // namespace lockkeeper::e2e
