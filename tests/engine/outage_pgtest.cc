// The server restarts, the connection is cut or hangs, at every instant: the same process goes on.
#include <iostream>

#include "tests/engine/disturbed.h"
#include "tests/support/fault_proxy.h"

namespace lockkeeper::engine {
namespace {

using execute::Playground;
using execute::Record;
using support::FaultProxy;
using support::PrivatePostgres;
using support::StopMode;
using namespace std::chrono_literals;

// Tells the story once for each instant and disturbs it there.
void disturb_at_each_instant(PrivatePostgres& server, const Story& story,
                             const std::function<std::shared_ptr<sql::Pool>(Playground&)>& reach,
                             const std::function<void()>& disturb) {
  const auto calm = undisturbed(story, server);
  for (std::size_t n = 0; n < calm.instants.size(); n += stride()) {
    SCOPED_TRACE("disturbed at " + calm.instants[n]);
    Playground ground(server);
    story.prepare(ground);
    const auto record = story.begin(ground);
    LK_ASSERT_OK(record);
    std::size_t seen = 0;
    Engine engine(reach(ground), [&](std::string_view) {
      if (seen++ == n) disturb();
    });
    const auto told = tell(engine, *record);
    LK_ASSERT_OK(told);
    EXPECT_EQ(ending(ground, story), calm.end);
  }
  std::cout << story.name << ": disturbed at every " << stride() << " of " << calm.instants.size()
            << " instants" << std::endl;
}

std::shared_ptr<sql::Pool> direct(Playground& ground) {
  return ground.pool;
}

TEST(OutageTest, AFastRestartAtAnyInstantIsWaitedOut) {
  PrivatePostgres server;
  disturb_at_each_instant(server, plan_by_hand(), direct, [&] { server.restart(StopMode::fast); });
}

TEST(OutageTest, AnImmediateRestartAtAnyInstantIsWaitedOut) {
  PrivatePostgres server({.fsync = true});
  disturb_at_each_instant(server, plan_by_hand(), direct,
                          [&] { server.restart(StopMode::immediate); });
}

TEST(OutageTest, ACutConnectionAtAnyInstantIsReplaced) {
  auto& server = PrivatePostgres::shared();
  FaultProxy proxy(server.port());
  const auto reach = [&](Playground& ground) {
    return execute::pool_to("lk_owner", ground.db, proxy.port());
  };
  disturb_at_each_instant(server, plan_by_hand(), reach, [&] { proxy.cut(); });
}

// The answer to COMMIT is lost: whether it was done stands in the ledger, nowhere else.
TEST(OutageTest, ALostAnswerToCommitIsLookedUp) {
  auto& server = PrivatePostgres::shared();
  const auto story = plan_by_hand();
  const auto calm = undisturbed(story, server);
  for (const auto after : {FaultProxy::After::nothing, FaultProxy::After::forwarding}) {
    for (std::size_t n = 0; n < calm.instants.size(); n += stride()) {
      SCOPED_TRACE("cut in the COMMIT after " + calm.instants[n]);
      Playground ground(server);
      story.prepare(ground);
      const auto record = story.begin(ground);
      LK_ASSERT_OK(record);
      FaultProxy proxy(server.port());
      std::size_t seen = 0;
      Engine engine(execute::pool_to("lk_owner", ground.db, proxy.port()), [&](std::string_view) {
        if (seen++ == n) proxy.cut_when_client_sends("COMMIT", after);
      });
      const auto told = tell(engine, *record);
      LK_ASSERT_OK(told);
      EXPECT_EQ(ending(ground, story), calm.end);
    }
  }
}

TEST(OutageTest, AConnectionThatHangsIsGivenUpAndItsServerProcessWithIt) {
  auto& server = PrivatePostgres::shared();
  const auto story = plan_by_hand();
  const auto calm = undisturbed(story, server);
  Playground ground(server);
  story.prepare(ground);
  const auto record = story.begin(ground);
  LK_ASSERT_OK(record);
  FaultProxy proxy(server.port());
  std::jthread later;
  bool hung = false;
  Engine engine(execute::pool_to("lk_owner", ground.db, proxy.port()),
                [&](std::string_view instant) {
                  if (hung || instant != "expand-t: asking") return;
                  hung = true;
                  proxy.hang();
                  later = std::jthread([&] {
                    base::Clock::real().sleep(18s, {});
                    proxy.resume();
                  });
                });
  LK_ASSERT_OK(tell(engine, *record));
  EXPECT_TRUE(hung);
  EXPECT_EQ(ending(ground, story), calm.end);
}

}  // namespace
}  // namespace lockkeeper::engine
