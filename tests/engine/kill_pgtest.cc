// kill -9 at every instant; another process goes on from the ledger.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <thread>

#include "tests/engine/disturbed.h"
#include "tests/support/await.h"
#include "tests/support/pg_connection.h"
#include "tests/support/scratch.h"

namespace lockkeeper::engine {
namespace {

using base::Context;
using execute::Playground;
using execute::Record;
using namespace std::chrono_literals;

// A forked operator: a process of its own with sessions of its own, which never returns.
pid_t fork_operator(const Playground& ground, const Record& record,
                    const Engine::Observer& observer) {
  const pid_t child = ::fork();
  if (child != 0) {
    support::guard_pid(child);
    return child;
  }
  Engine engine(execute::pool_to("lk_owner", ground.db, ground.pg.port()), observer);
  const auto told = adopt_and_tell(engine, record);
  if (told) ::_exit(0);
  // Somebody else took over: while it adopted (conflict), or later.
  if (told.error().reason == "Fenced" || told.error().code == base::ErrorCode::conflict) ::_exit(3);
  std::cerr << "operator " << ::getpid() << ": " << told.error().text() << std::endl;
  ::_exit(1);
}

int wait_for(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  support::forget_pid(child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Engine::Observer at_instant(int n, const std::function<void()>& act) {
  // The engine copies its observer for each job; they count together.
  return [n, act, seen = std::make_shared<int>(0)](std::string_view) {
    if (++*seen == n) act();
  };
}

void kill_at_each_instant(const Story& story) {
  auto& server = support::PrivatePostgres::shared();
  const auto calm = undisturbed(story, server);
  // A plan by another process begins with adopt, which has no instants of its own.
  for (int n = 1; n <= static_cast<int>(calm.instants.size()); n += static_cast<int>(stride())) {
    SCOPED_TRACE("killed at " + calm.instants[static_cast<std::size_t>(n) - 1]);
    Playground ground(server);
    story.prepare(ground);
    const auto record = story.begin(ground);
    LK_ASSERT_OK(record);
    const auto child =
        fork_operator(ground, *record, at_instant(n, [] { ::kill(::getpid(), SIGKILL); }));
    ASSERT_EQ(wait_for(child), 128 + SIGKILL);
    Engine successor(ground.pool);
    const auto told = adopt_and_tell(successor, *record);
    LK_ASSERT_OK(told);
    EXPECT_EQ(ending(ground, story), calm.end);
  }
  std::cout << story.name << ": killed at every " << stride() << " of " << calm.instants.size()
            << " instants" << std::endl;
}

TEST(KillTest, APlanByHandEndsTheSameWhereverItIsKilled) {
  kill_at_each_instant(plan_by_hand());
}

TEST(KillTest, TheMainJobEndsTheSameWhereverItIsKilled) {
  kill_at_each_instant(main_job());
}

// The statement is in the server, waiting for a lock, when its client dies.
TEST(KillTest, AStatementInTheServerWhoseClientWasKilledDoesNotActBesideItsSuccessor) {
  auto& server = support::PrivatePostgres::shared();
  const auto story = plan_by_hand();
  const auto calm = undisturbed(story, server);
  for (const std::string step : {"expand-t", "index-t_name", "validate-t", "contract-1"}) {
    SCOPED_TRACE("killed in " + step);
    Playground ground(server);
    story.prepare(ground);
    const auto record = story.begin(ground);
    LK_ASSERT_OK(record);
    support::PgConnection holder(ground.pg.uri("lk_owner", ground.db));
    // Held as soon as the step before has committed: the child waits at its own instant until then.
    const auto gate = ground.pg.uri("lk_owner", ground.db);
    const auto child = fork_operator(ground, *record, [&](std::string_view instant) {
      if (instant != step + ": begin") return;
      support::PgConnection open(gate);
      open.exec("CREATE TABLE arrived ()");
      (void)support::await([&] { return !open.exec("SELECT to_regclass('go')").empty(); }, 2min);
    });
    ASSERT_TRUE(
        support::await([&] { return ground.ask("SELECT to_regclass('arrived')") != ""; }, 2min));
    // An open snapshot stops a build, a SHARE UPDATE EXCLUSIVE lock the others.
    holder.exec(step == "index-t_name" ? "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1"
                                       : "BEGIN; LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE");
    ground.run("CREATE TABLE go ()");
    const std::string waiting =
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE "
        "'lockkeeper/%/" +
        step + "' AND wait_event_type = 'Lock'";
    ASSERT_TRUE(support::await([&] { return ground.ask(waiting) == "t"; }));
    ::kill(child, SIGKILL);
    wait_for(child);
    Engine successor(ground.pool);
    std::optional<base::Result<Record>> told;
    std::jthread next([&] { told = adopt_and_tell(successor, *record); });
    ASSERT_TRUE(support::await([&] { return ground.ask(waiting) == "t" || told; }));
    holder.exec("COMMIT");
    next.join();
    LK_ASSERT_OK(*told);
    ground.run("DROP TABLE go, arrived");
    EXPECT_EQ(ending(ground, story), calm.end);
  }
}

TEST(KillTest, KillsAtRandomTimesEndTheSame) {
  auto& server = support::PrivatePostgres::shared();
  const auto story = plan_by_hand();
  const auto calm = undisturbed(story, server);
  Playground ground(server);
  story.prepare(ground);
  const auto record = story.begin(ground);
  LK_ASSERT_OK(record);
  int kills = 0;
  for (int delay = 5; delay < 400; delay += 15) {
    const auto child = fork_operator(ground, *record, {});
    base::Clock::real().sleep(std::chrono::milliseconds(delay), {});
    ::kill(child, SIGKILL);
    if (wait_for(child) == 0) break;
    ++kills;
  }
  Engine successor(ground.pool);
  LK_ASSERT_OK(adopt_and_tell(successor, *record));
  EXPECT_EQ(ending(ground, story), calm.end);
  std::cout << "killed " << kills << " times in one story" << std::endl;
}

TEST(TakeoverTest, AProcessThatWasPausedFindsItselfDeposedWhereverItWas) {
  auto& server = support::PrivatePostgres::shared();
  const auto story = plan_by_hand();
  const auto calm = undisturbed(story, server);
  for (int n = 1; n <= static_cast<int>(calm.instants.size()); n += static_cast<int>(stride())) {
    SCOPED_TRACE("paused at " + calm.instants[static_cast<std::size_t>(n) - 1]);
    Playground ground(server);
    story.prepare(ground);
    const auto record = story.begin(ground);
    LK_ASSERT_OK(record);
    const auto child =
        fork_operator(ground, *record, at_instant(n, [] { ::kill(::getpid(), SIGSTOP); }));
    int status = 0;
    ::waitpid(child, &status, WUNTRACED);
    ASSERT_TRUE(WIFSTOPPED(status));
    Engine successor(ground.pool);
    const auto session = execute::lease(*ground.pool);
    LK_ASSERT_OK(execute::take_over(Context(), *session, record->id, 300ms));
    const auto told = adopt_and_tell(successor, *record);
    LK_ASSERT_OK(told);
    ::kill(child, SIGCONT);
    EXPECT_NE(wait_for(child), 1);
    EXPECT_EQ(ending(ground, story), calm.end);
  }
}

TEST(TakeoverTest, ProcessesThatTakeOverFromEachOtherNeverDoAStepTwice) {
  auto& server = support::PrivatePostgres::shared();
  const auto story = plan_by_hand();
  const auto calm = undisturbed(story, server);
  for (int round = 0; round < 5; ++round) {
    Playground ground(server);
    story.prepare(ground);
    const auto record = story.begin(ground);
    LK_ASSERT_OK(record);
    std::vector<pid_t> operators;
    for (int i = 0; i < 3; ++i) operators.push_back(fork_operator(ground, *record, {}));
    for (const auto child : operators) EXPECT_NE(wait_for(child), 1);
    Engine last(ground.pool);
    LK_ASSERT_OK(adopt_and_tell(last, *record));
    EXPECT_EQ(ending(ground, story), calm.end);
  }
}

}  // namespace
}  // namespace lockkeeper::engine
