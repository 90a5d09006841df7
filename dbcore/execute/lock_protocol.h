// How a lock that blocks clients is asked for: briefly, seldom, and with everything that follows
// from having it already on its way.
//
// Asking decides when and for how long (pure). attempt() is one transaction of two round trips:
// first the fence, SHARE UPDATE EXCLUSIVE (which stands in front of no reader or writer) and the
// questions; then, in one flight, the blocking statements under one budget that the server itself
// measures, what has to be written down, and COMMIT. No lock that blocks is ever held while the
// server waits for us.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "dbcore/execute/blockers.h"
#include "dbcore/fence/fence.h"
#include "dbcore/plan/step.h"

namespace lockkeeper::execute {

using fence::Fence;
using fence::fence_error;
using fence::fence_statements;

// Fed with who is there, every 50 ms or so. A value; not thread-safe.
//
// Where several readers come and go so that one of them is always there, short asks at random never
// meet the end of all of them. So one reader is followed, and asked for at its end, once each time:
// what waits behind the ask starts that much later, until the readers end together. Such asks grow
// by the second, up to the budget; there is one for each life of that reader, so they stay rare.
class Asking {
 public:
  Asking(std::chrono::milliseconds budget, base::Clock::Steady now);

  // A reader that comes again and again, as an earlier step came to know it.
  struct Reader {
    int pid = 0;
    std::chrono::milliseconds lifetime{0};  // of one of its transactions; 0: not known
  };
  [[nodiscard]] Reader followed() const { return {followed_, lifetime_}; }
  void expect(Reader reader);

  // How long the next ask may wait for one lock: short, growing to the budget as hours pass.
  [[nodiscard]] std::chrono::milliseconds length(base::Clock::Steady now) const;
  // An ask of that length came to nothing: the next one rests four times as long.
  void failed(base::Clock::Steady now, std::chrono::milliseconds asked);
  // Whether to ask now. Those who blocked are gone: yes. Somebody who came just now: yes, once the
  // rest is over. Somebody who has been there for long: seldom, asking would only make a queue.
  [[nodiscard]] bool due(base::Clock::Steady now, const std::vector<Blocker>& holders);

 private:
  void follow(const std::vector<Blocker>& holders);
  [[nodiscard]] bool at_its_end() const;

  std::chrono::milliseconds budget_;
  base::Clock::Steady since_;
  base::Clock::Steady rested_;
  base::Clock::Steady patient_;
  bool seen_ = false;  // somebody, since the last ask

  int followed_ = 0;                       // pid
  std::chrono::milliseconds held_{0};      // by it, when last seen
  std::chrono::milliseconds lifetime_{0};  // of one of its transactions; 0: not known yet
  int missed_ = 0;                         // looks that did not find it
  bool asked_in_this_life_ = false;
  bool at_end_ = false;  // the next ask is one at the end of the followed reader
};

// One try.
struct Attempt {
  Fence fence;
  std::string application_name;
  std::vector<plan::Relation> locks;  // taken in SHARE UPDATE EXCLUSIVE, by oid; views left out
  std::vector<std::string> statements;
  std::vector<sql::Statement> records;     // after the statements, in the same flight
  std::vector<sql::Statement> questions;   // answered before anything blocks
  std::chrono::milliseconds wait{100};     // for one lock
  std::chrono::milliseconds total{500};    // of blocking, all in all
  std::chrono::milliseconds statement{0};  // limit of a statement that is more than metadata; 0:
                                           // none. Metadata statements share `total`
  bool metadata = true;
  std::chrono::milliseconds deadlock_timeout{1000};
  // Judges the answers to the questions; an error ends the try before it blocks anybody.
  std::function<base::Result<void>(std::span<const sql::Rows>)> judge;
  std::function<void()> asked;  // just before the blocking flight
};

// The rows of the last record. Errors as they come; `blocked` tells those that a later try may not
// meet again.
base::Result<sql::Rows> attempt(const base::Context& ctx, sql::Session& session,
                                const Attempt& attempt);
bool blocked(const base::Error& error);

// Time limits of the transaction that is open, as statements for its pipeline.
sql::Statement limits(std::chrono::milliseconds lock, std::chrono::milliseconds statement,
                      std::string_view application_name);

}  // namespace lockkeeper::execute
