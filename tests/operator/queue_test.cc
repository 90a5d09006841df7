#include "operator/kube/queue.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "operator/kube/metrics.h"
#include "tests/support/await.h"
#include "tests/support/fake_clock.h"

namespace lockkeeper::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using support::await;

const ObjectKey a{"ns", "a"};
const ObjectKey b{"ns", "b"};
const ObjectKey c{"ns", "c"};

class QueueTest : public ::testing::Test {
 protected:
  support::FakeClock clock_;
  Queue queue_{{.name = "things", .random = [] { return 0.0; }}, clock_};
};

TEST_F(QueueTest, AKeyAddedTwiceComesOnce) {
  queue_.add(a);
  queue_.add(a);
  EXPECT_EQ(queue_.depth(), 1U);
  EXPECT_EQ(queue_.try_take(), a);
  EXPECT_EQ(queue_.try_take(), std::nullopt);
}

TEST_F(QueueTest, KeysComeInTheOrderTheyWereAdded) {
  queue_.add(b);
  queue_.add(a);
  EXPECT_EQ(queue_.try_take(), b);
  EXPECT_EQ(queue_.try_take(), a);
}

TEST_F(QueueTest, AKeyAtWorkIsNotGivenOutAgainUntilItIsDone) {
  queue_.add(a);
  ASSERT_EQ(queue_.try_take(), a);
  queue_.add(a);
  EXPECT_EQ(queue_.try_take(), std::nullopt);
  queue_.done(a);
  EXPECT_EQ(queue_.try_take(), a) << "what was added during the work is not lost";
  queue_.done(a);
  EXPECT_EQ(queue_.try_take(), std::nullopt);
}

TEST_F(QueueTest, AFreshChangeOvertakesABacklog) {
  queue_.add(a, Priority::low);
  queue_.add(b, Priority::low);
  queue_.add(c, Priority::high);
  EXPECT_EQ(queue_.try_take(), c);
  EXPECT_EQ(queue_.try_take(), a);
}

TEST_F(QueueTest, AKeyOfTheBacklogThatChangesMovesUp) {
  queue_.add(a, Priority::low);
  queue_.add(b, Priority::low);
  queue_.add(b, Priority::high);
  EXPECT_EQ(queue_.try_take(), b);
  EXPECT_EQ(queue_.try_take(), a);
  EXPECT_EQ(queue_.try_take(), std::nullopt);
}

TEST_F(QueueTest, ADelayedKeyComesAtItsTime) {
  queue_.add_after(a, seconds{10});
  EXPECT_EQ(queue_.try_take(), std::nullopt);
  clock_.advance(seconds{9});
  EXPECT_EQ(queue_.try_take(), std::nullopt);
  clock_.advance(seconds{1});
  EXPECT_EQ(queue_.try_take(), a);
}

TEST_F(QueueTest, OfTwoTimesTheEarlierWins) {
  queue_.add_after(a, seconds{10});
  queue_.add_after(a, seconds{5});
  queue_.add_after(a, seconds{20});
  EXPECT_EQ(queue_.delayed(), 1U);
  clock_.advance(seconds{5});
  EXPECT_EQ(queue_.try_take(), a);
  queue_.done(a);
  clock_.advance(seconds{60});
  EXPECT_EQ(queue_.try_take(), std::nullopt);
}

TEST_F(QueueTest, RetriesWaitTwiceAsLongEachTimeUpToALimit) {
  EXPECT_EQ(queue_.retry(a), milliseconds{5});
  EXPECT_EQ(queue_.retry(a), milliseconds{10});
  EXPECT_EQ(queue_.retry(a), milliseconds{20});
  EXPECT_EQ(queue_.retry(b), milliseconds{5}) << "each key has its own";
  for (int i = 0; i < 100; ++i) queue_.retry(a);
  EXPECT_EQ(queue_.retry(a), seconds{1'000});
  EXPECT_EQ(queue_.retries(a), 104);
  queue_.forget(a);
  EXPECT_EQ(queue_.retry(a), milliseconds{5});
}

TEST_F(QueueTest, ARetryWaitsAtLeastAsLongAsThePeerSaid) {
  EXPECT_EQ(queue_.retry(a, seconds{30}), seconds{30});
}

TEST_F(QueueTest, ASleepingWorkerWakesForANewKey) {
  std::stop_source stop;
  std::optional<ObjectKey> taken;
  std::jthread worker([&] { taken = queue_.take(stop.get_token()); });
  ASSERT_TRUE(await([&] { return clock_.sleepers() == 1; }));
  queue_.add(a);
  worker.join();
  EXPECT_EQ(taken, a);
}

TEST_F(QueueTest, ASleepingWorkerWakesAtTheTimeOfADelayedKey) {
  std::stop_source stop;
  std::optional<ObjectKey> taken;
  queue_.add_after(a, seconds{10});
  std::jthread worker([&] { taken = queue_.take(stop.get_token()); });
  ASSERT_TRUE(await([&] { return clock_.sleepers() == 1; }));
  clock_.advance(seconds{10});
  worker.join();
  EXPECT_EQ(taken, a);
}

TEST_F(QueueTest, AnEarlierDelayWakesASleeperSooner) {
  std::stop_source stop;
  std::optional<ObjectKey> taken;
  queue_.add_after(a, seconds{100});
  std::jthread worker([&] { taken = queue_.take(stop.get_token()); });
  ASSERT_TRUE(await([&] { return clock_.sleepers() == 1; }));
  queue_.add_after(b, seconds{10});
  ASSERT_TRUE(await([&] { return clock_.slept().size() == 2 && clock_.sleepers() == 1; }));
  clock_.advance(seconds{10});
  worker.join();
  EXPECT_EQ(taken, b);
}

TEST_F(QueueTest, AStopWakesAllSleepers) {
  std::stop_source stop;
  std::atomic<int> ended{0};
  std::vector<std::jthread> workers;
  for (int i = 0; i < 3; ++i) {
    workers.emplace_back([&] {
      if (!queue_.take(stop.get_token())) ended.fetch_add(1);
    });
  }
  ASSERT_TRUE(await([&] { return clock_.sleepers() == 3; }));
  stop.request_stop();
  workers.clear();
  EXPECT_EQ(ended.load(), 3);
}

TEST_F(QueueTest, ManyWorkersTakeEachKeyAndNeverTheSameAtOnce) {
  constexpr int keys = 200;
  Queue queue({.name = "busy"}, base::Clock::real());
  std::stop_source stop;
  base::Mutex mutex;
  std::set<ObjectKey> at_work;
  std::atomic<int> overlaps{0};
  std::atomic<int> finished{0};
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < 4; ++i) {
      workers.emplace_back([&] {
        while (const auto key = queue.take(stop.get_token())) {
          {
            const base::Lock lock(mutex);
            if (!at_work.insert(*key).second) overlaps.fetch_add(1);
          }
          {
            const base::Lock lock(mutex);
            at_work.erase(*key);
          }
          queue.done(*key);
          finished.fetch_add(1);
        }
      });
    }
    for (int round = 0; round < 5; ++round) {
      for (int i = 0; i < keys; ++i) queue.add({"ns", std::to_string(i)});
    }
    EXPECT_TRUE(await([&] { return queue.depth() == 0 && finished.load() >= keys; }));
    stop.request_stop();
  }
  EXPECT_EQ(overlaps.load(), 0);
}

TEST_F(QueueTest, MetricsSayWhatIsReadyAndHowLongWorkTakes) {
  Metrics metrics;
  metrics.add_controller("things", 1);
  Queue queue({.name = "things"}, clock_, &metrics);
  queue.add(a);
  queue.add(b);
  ASSERT_TRUE(queue.try_take());
  clock_.advance(seconds{3});
  const auto text = metrics.text();
  const auto has = [&](const std::string& line) { return text.find(line) != std::string::npos; };
  EXPECT_TRUE(has(R"(workqueue_depth{controller="things",name="things"} 1)")) << text;
  EXPECT_TRUE(has(R"(workqueue_adds_total{controller="things",name="things"} 2)"));
  EXPECT_TRUE(has(R"(workqueue_unfinished_work_seconds{controller="things",name="things"} 3)"));
}

}  // namespace
}  // namespace lockkeeper::kube
