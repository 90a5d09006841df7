#include <thread>

#include "tests/execute/playground.h"
#include "tests/support/await.h"
#include "tests/support/pg_connection.h"

namespace lockkeeper::execute {
namespace {

using base::Context;
using namespace std::chrono_literals;

class FenceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ground_.make_table();
    auto record = begin(ground_, whole_plan(ground_));
    LK_ASSERT_OK(record);
    record_ = *record;
    fence_ = record_.fence(ground_.db);
  }

  Playground ground_;
  Record record_;
  Fence fence_;
};

TEST_F(FenceTest, AnEpochThatHasPassedActsNoMore) {
  const auto old_leader = lease(*ground_.pool);
  const auto new_leader = lease(*ground_.pool);
  {
    auto transaction = begin_fenced(Context(), *old_leader, fence_);
    LK_ASSERT_OK(transaction);
    LK_ASSERT_OK(transaction->commit(Context()));
  }
  const auto fence = take_over(Context(), *new_leader, record_.id);
  LK_ASSERT_OK(fence);
  EXPECT_EQ(fence->epoch, 2);
  const auto refused = begin_fenced(Context(), *old_leader, fence_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "Fenced");
  EXPECT_FALSE(old_leader->in_transaction());
  LK_ASSERT_OK(begin_fenced(Context(), *new_leader, *fence));
}

TEST_F(FenceTest, ATakeoverWaitsForWhatIsInFlight) {
  const auto old_leader = lease(*ground_.pool);
  auto flying = begin_fenced(Context(), *old_leader, fence_);
  LK_ASSERT_OK(flying);
  std::atomic<bool> taken = false;
  std::jthread new_leader([&] {
    const auto session = lease(*ground_.pool);
    const auto fence = take_over(Context(), *session, record_.id);
    EXPECT_TRUE(fence.ok());
    taken = true;
  });
  ASSERT_TRUE(
      support::await([&] { return ground_.ask("SELECT epoch FROM lockkeeper.migration") == "2"; }));
  // It polls, and what polls holds no snapshot: nothing of it stands in the server.
  EXPECT_EQ(ground_.ask("SELECT count(*) FROM pg_locks WHERE NOT granted"), "0");
  EXPECT_FALSE(taken);
  LK_ASSERT_OK(flying->commit(Context()));
  ASSERT_TRUE(support::await([&] { return taken.load(); }));
}

TEST_F(FenceTest, AtTheEndOfItsPatienceATakeoverEndsTheOldSessions) {
  const auto old_leader = lease(*ground_.pool);
  auto flying = begin_fenced(Context(), *old_leader, fence_);
  LK_ASSERT_OK(flying);
  // The row of the record itself is held too: raising the epoch must not wait for it.
  LK_ASSERT_OK(journal::set_state(Context(), *old_leader, fence_, State::ready));
  const auto new_leader = lease(*ground_.pool);
  const auto fence = take_over(Context(), *new_leader, record_.id, 200ms);
  LK_ASSERT_OK(fence);
  EXPECT_FALSE(flying->commit(Context()).ok());
  EXPECT_EQ(ground_.ask("SELECT state, epoch FROM lockkeeper.migration"), "running|2");
}

TEST_F(FenceTest, OnlyOneOfTwoRenewalsFromOneEpochWins) {
  const auto first = lease(*ground_.pool);
  const auto second = lease(*ground_.pool);
  LK_ASSERT_OK(renew(Context(), *first, fence_));
  const auto late = renew(Context(), *second, fence_);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().reason, "Fenced");
}

TEST_F(FenceTest, ABuildThatLivesKeepsItsStepFromOthers) {
  const auto builder = lease(*ground_.pool);
  auto building = ConcurrentFence::enter(Context(), *builder, fence_, "index-t_name");
  LK_ASSERT_OK(building);
  ASSERT_TRUE(building->has_value());
  const auto other = lease(*ground_.pool);
  const auto held = ConcurrentFence::enter(Context(), *other, fence_, "index-t_name");
  LK_ASSERT_OK(held);
  EXPECT_FALSE(held->has_value());
  LK_ASSERT_OK((*building)->leave(Context()));
  const auto free = ConcurrentFence::enter(Context(), *other, fence_, "index-t_name");
  LK_ASSERT_OK(free);
  EXPECT_TRUE(free->has_value());
}

TEST_F(FenceTest, ABuildOfAnEpochThatHasPassedDoesNotBegin) {
  const auto session = lease(*ground_.pool);
  LK_ASSERT_OK(take_over(Context(), *session, record_.id));
  const auto refused = ConcurrentFence::enter(Context(), *session, fence_, "index-t_name");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "Fenced");
  EXPECT_EQ(ground_.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "0");
}

TEST_F(FenceTest, ATakeoverEndsABuildThatDoesNotEnd) {
  const auto builder = lease(*ground_.pool);
  auto building = ConcurrentFence::enter(Context(), *builder, fence_, "index-t_name");
  LK_ASSERT_OK(building);
  const auto new_leader = lease(*ground_.pool);
  LK_ASSERT_OK(take_over(Context(), *new_leader, record_.id, 200ms));
  EXPECT_FALSE(builder->execute(Context(), "SELECT 1").ok());
}

// The experiment that the rules were made by: leaders take over from each other without end, each
// acts as often as it can, and nobody may act once a later leader has.
TEST_F(FenceTest, NobodyActsOnceALaterLeaderHas) {
  ground_.run("CREATE TABLE act (id bigserial, epoch bigint)");
  std::atomic<int> takeovers = 0;
  const auto lead = [&] {
    const auto session = lease(*ground_.pool);
    while (takeovers < 60) {
      const auto fence = take_over(Context(), *session, record_.id);
      if (!fence) return ADD_FAILURE() << fence.error().text();
      ++takeovers;
      for (int act = 0; act < 3; ++act) {
        auto transaction = begin_fenced(Context(), *session, *fence);
        if (!transaction) break;
        sql::Statement insert("INSERT INTO public.act (epoch) VALUES ($1::bigint)");
        insert.bind(fence->epoch);
        if (!session->execute(Context(), insert)) break;
        if (!transaction->commit(Context())) break;
      }
    }
  };
  {
    std::jthread one(lead);
    std::jthread two(lead);
    std::jthread three(lead);
  }
  EXPECT_NE(ground_.ask("SELECT count(*) FROM act"), "0");
  EXPECT_EQ(ground_.ask("SELECT count(*) FROM (SELECT epoch, max(epoch) OVER (ORDER BY id) AS "
                        "latest FROM act) x WHERE epoch < latest"),
            "0");
}

}  // namespace
}  // namespace lockkeeper::execute
