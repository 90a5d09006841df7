#include "operator/kube/controller.h"

#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "operator/kube/metrics.h"
#include "tests/support/await.h"
#include "tests/support/fake_clock.h"

namespace lockkeeper::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const ObjectKey key{"ns", "a"};

class ControllerTest : public ::testing::Test {
 protected:
  [[nodiscard]] base::Context context() const { return {{}, clock_, {}}; }
  // Lets the controller reconcile the key once with this outcome.
  void once(base::Result<Reconciled> outcome) {
    outcome_ = std::move(outcome);
    controller_.queue().add(key);
    ASSERT_TRUE(controller_.work_once(context()));
  }
  // The key comes again after this and not before.
  void expect_again_after(base::Clock::Duration wait) {
    EXPECT_EQ(controller_.queue().depth(), 0U);
    ASSERT_EQ(controller_.queue().delayed(), 1U);
    clock_.advance(wait - milliseconds{1});
    EXPECT_EQ(controller_.queue().try_take(), std::nullopt);
    clock_.advance(milliseconds{1});
    EXPECT_EQ(controller_.queue().try_take(), key);
    controller_.queue().done(key);
  }
  [[nodiscard]] bool counted(const std::string& line) const {
    return metrics_.text().find(line) != std::string::npos;
  }

  support::FakeClock clock_;
  Metrics metrics_;
  base::Result<Reconciled> outcome_{Reconciled{}};
  Controller controller_{{.name = "things"},
                         [this](const base::Context&, const ObjectKey&) { return outcome_; },
                         clock_,
                         &metrics_};
};

TEST_F(ControllerTest, WhatIsDoneDoesNotComeAgain) {
  once(Reconciled{});
  EXPECT_EQ(controller_.queue().depth() + controller_.queue().delayed(), 0U);
  EXPECT_TRUE(
      counted(R"(controller_runtime_reconcile_total{controller="things",result="success"} 1)"));
}

TEST_F(ControllerTest, AnOutcomeMayAskToComeAgain) {
  once(Reconciled{.requeue_after = seconds{10}});
  expect_again_after(seconds{10});
  EXPECT_TRUE(counted(
      R"(controller_runtime_reconcile_total{controller="things",result="requeue_after"} 1)"));
}

TEST_F(ControllerTest, WhatTheUserMustEditDoesNotComeAgain) {
  once(base::invalid("no such column"));
  EXPECT_EQ(controller_.queue().depth() + controller_.queue().delayed(), 0U);
  EXPECT_TRUE(
      counted(R"(controller_runtime_terminal_reconcile_errors_total{controller="things"} 1)"));
}

TEST_F(ControllerTest, APreconditionIsLookedAtAgainAfterTenSecondsAndThenLater) {
  const auto closed = base::precondition("gate closed");
  for (const int wait : {10, 20, 40, 80, 160, 300, 300}) {
    once(closed);
    expect_again_after(seconds{wait});
  }
  once(Reconciled{});
  once(closed);
  expect_again_after(seconds{10});
}

TEST_F(ControllerTest, AConflictIsRedoneAtOnceTheFirstTime) {
  once(base::conflict("version changed"));
  EXPECT_EQ(controller_.queue().depth(), 1U);
  ASSERT_TRUE(controller_.work_once(context()));
  EXPECT_EQ(controller_.queue().depth(), 0U);
  EXPECT_EQ(controller_.queue().delayed(), 1U) << "the second time it waits";
}

TEST_F(ControllerTest, WhatIsUnavailableIsTriedAgainWithAGrowingWait) {
  once(base::unavailable("down"));
  EXPECT_EQ(controller_.queue().retries(key), 1);
  clock_.advance(milliseconds{6});
  ASSERT_TRUE(controller_.work_once(context()));
  EXPECT_EQ(controller_.queue().retries(key), 2);
  EXPECT_TRUE(counted(R"(controller_runtime_reconcile_errors_total{controller="things"} 2)"));
}

TEST_F(ControllerTest, ARetryAfterIsHonoured) {
  auto busy = base::unavailable("busy");
  busy.retry_after = seconds{42};
  once(busy);
  expect_again_after(seconds{42});
}

TEST_F(ControllerTest, WhatWasStoppedIsNotCounted) {
  once(base::cancelled("stopped"));
  EXPECT_EQ(controller_.queue().depth() + controller_.queue().delayed(), 0U);
  EXPECT_TRUE(
      counted(R"(controller_runtime_reconcile_total{controller="things",result="error"} 0)"));
}

TEST_F(ControllerTest, AllSeriesAreThereFromTheStart) {
  for (const char* name :
       {"controller_runtime_reconcile_total", "controller_runtime_reconcile_errors_total",
        "controller_runtime_terminal_reconcile_errors_total",
        "controller_runtime_reconcile_time_seconds", "controller_runtime_max_concurrent_reconciles",
        "controller_runtime_active_workers", "workqueue_depth", "workqueue_adds_total",
        "workqueue_queue_duration_seconds", "workqueue_work_duration_seconds",
        "workqueue_unfinished_work_seconds", "workqueue_longest_running_processor_seconds",
        "workqueue_retries_total"}) {
    EXPECT_TRUE(counted(std::string("\n") + name)) << name;
  }
}

TEST(ControllerRunTest, WorkersRunUntilStoppedAndTheResyncAddsEveryKey) {
  support::FakeClock clock;
  std::atomic<int> reconciled{0};
  Controller controller(
      {.name = "things",
       .workers = 2,
       .resync_keys =
           [] {
             return std::vector<ObjectKey>{{"ns", "a"}, {"ns", "b"}};
           },
       .resync_period = std::chrono::hours{10}},
      [&](const base::Context& ctx, const ObjectKey&) -> base::Result<Reconciled> {
        EXPECT_LE(ctx.remaining(), seconds{120});
        reconciled.fetch_add(1);
        return Reconciled{};
      },
      clock);
  std::stop_source stop;
  std::jthread runner([&] { controller.run({stop.get_token(), clock, {}}); });
  ASSERT_TRUE(support::await([&] { return clock.sleepers() == 3; }));
  controller.queue().add(key);
  EXPECT_TRUE(support::await([&] { return reconciled.load() == 1; }));
  ASSERT_TRUE(support::await([&] { return clock.sleepers() == 3; }));
  clock.advance(std::chrono::hours{11});
  EXPECT_TRUE(support::await([&] { return reconciled.load() == 3; }));
  stop.request_stop();
}

}  // namespace
}  // namespace lockkeeper::kube
