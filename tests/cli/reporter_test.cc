#include "operator/cli/reporter.h"

#include <gtest/gtest.h>

#include <sstream>

namespace lockkeeper::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Steady = std::chrono::steady_clock::time_point;

crds::Migration backfilling() {
  crds::Migration migration;
  migration.metadata.name = "users-v2";
  migration.status.phase = crds::Phase::backfilling;
  migration.status.steps = crds::StepsStatus{3, 7, "3/7", "backfill-users"};
  migration.status.progress = "41%";
  migration.status.message = "users: 410000 of 1000000 rows, 84000 rows/s,\ndone in about 7s";
  return migration;
}

TEST(Reporter, TheBarShowsRowsWhileTheyAreFilled) {
  EXPECT_EQ(bar_line(backfilling(), 200),
            "users-v2  [########------------]   41%  3/7  Backfilling  users: 410000 of 1000000 "
            "rows, 84000 rows/s, done in about 7s");
}

TEST(Reporter, TheBarShowsStepsOtherwise) {
  crds::Migration migration = backfilling();
  migration.status.phase = crds::Phase::expanding;
  migration.status.message = "waiting for a lock";
  EXPECT_EQ(bar_line(migration, 200),
            "users-v2  [########------------]   42%  3/7  Expanding  waiting for a lock");
  migration.status.steps.reset();
  EXPECT_EQ(bar_line(migration, 200),
            "users-v2  [--------------------]    0%  Expanding  waiting for a lock");
}

TEST(Reporter, TheLineFitsTheTerminalWholeCharactersOnly) {
  crds::Migration migration = backfilling();
  migration.status.message = "\xC3\xA4\xC3\xA4\xC3\xA4";
  const std::string line = bar_line(migration, 59);
  EXPECT_TRUE(line.ends_with("Backfilling  \xC3\xA4")) << line;
}

TEST(Reporter, OnATerminalOneLineIsRedrawn) {
  std::ostringstream out;
  std::ostringstream err;
  const Console console{out, err, true, 60};
  {
    Reporter reporter(console);
    reporter.show(backfilling(), Steady());
    reporter.show(backfilling(), Steady());
  }
  EXPECT_EQ(err.str(), "\r\x1b[K" + bar_line(backfilling(), 59) + "\n");
  EXPECT_TRUE(out.str().empty());
}

TEST(Reporter, ElsewhereALineComesWithEachPhaseAndNowAndThen) {
  std::ostringstream out;
  std::ostringstream err;
  const Console console{out, err, false, 80};
  Reporter reporter(console);
  crds::Migration migration = backfilling();
  const Steady start = Steady() + seconds(100);
  reporter.show(migration, start);
  migration.status.progress = "42%";
  reporter.show(migration, start + milliseconds(400));
  EXPECT_EQ(err.str(), plain_line(backfilling()) + "\n");
  reporter.show(migration, start + seconds(6));
  migration.status.phase = crds::Phase::completed;
  reporter.show(migration, start + seconds(6));
  EXPECT_NE(err.str().find("users-v2  Backfilling  3/7  42%"), std::string::npos);
  EXPECT_NE(err.str().find("users-v2  Completed  3/7  42%"), std::string::npos);
}

}  // namespace
}  // namespace lockkeeper::cli
