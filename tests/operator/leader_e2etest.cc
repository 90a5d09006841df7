// Leader election on a real Lease, with the shortest times that it allows.
#include <gtest/gtest.h>

#include <thread>

#include "operator/kube/leader.h"
#include "tests/operator/cluster.h"
#include "tests/support/await.h"

namespace lockkeeper::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using support::await;
using support::ControlPlane;

// A clock that can be stopped as a process is by SIGSTOP: whoever sleeps stays asleep, and finds
// the time gone when it goes on.
class PausableClock final : public base::Clock {
 public:
  [[nodiscard]] Steady now() const override { return real().now(); }
  [[nodiscard]] Wall wall() const override { return real().wall(); }
  bool sleep(Duration d, const std::stop_token& stop) const override {
    const bool slept = real().sleep(d, stop);
    while (paused_ && !stop.stop_requested()) real().sleep(milliseconds{20}, stop);
    return slept;
  }
  void pause(bool on) { paused_ = on; }

 private:
  std::atomic<bool> paused_{false};
};

struct Replica {
  Replica(const std::string& kubeconfig, const std::string& ns, const std::string& identity)
      : client(client_of(kubeconfig, {.qps = 0})),
        election(*client, {.ns = ns,
                           .name = "test",
                           .identity = identity,
                           .lease = seconds{3},
                           .renew_deadline = seconds{2},
                           .retry = milliseconds{300}}),
        thread([this] {
          outcome = election.run({stop.get_token(), clock, {}}, [this] { led = true; });
          ended = true;
        }) {}
  ~Replica() { stop.request_stop(); }
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  PausableClock clock;
  std::unique_ptr<Client> client;
  std::stop_source stop;
  std::atomic<bool> led{false};
  std::atomic<bool> ended{false};
  base::Result<void> outcome;
  LeaderElection election;
  std::jthread thread;
};

class LeaderE2eTest : public ::testing::Test {
 protected:
  LeaderE2eTest() : ns_(plane_.create_namespace(false)) {
    install_widgets(plane_);
    kubeconfig_ = widget_keeper(plane_, ns_);
  }
  ControlPlane& plane_ = ControlPlane::shared();
  std::string ns_;
  std::string kubeconfig_;
};

TEST_F(LeaderE2eTest, OfTwoThatStartTogetherOneLeadsUntilItStops) {
  Replica one(kubeconfig_, ns_, "one");
  Replica two(kubeconfig_, ns_, "two");
  ASSERT_TRUE(await([&] { return one.led || two.led; }));
  Replica& leader = one.led ? one : two;
  Replica& other = one.led ? two : one;
  EXPECT_FALSE(await([&] { return other.led.load(); }, seconds{4}));
  EXPECT_EQ(plane_.get(ns_, "lease/test", "{.spec.holderIdentity}"), one.led ? "one" : "two");
  leader.stop.request_stop();
  EXPECT_TRUE(await([&] { return other.led.load(); }));
  EXPECT_TRUE(leader.outcome.ok());
}

TEST_F(LeaderE2eTest, APausedLeaderFindsItselfReplacedAndEnds) {
  Replica one(kubeconfig_, ns_, "one");
  ASSERT_TRUE(await([&] { return one.led.load(); }));
  Replica two(kubeconfig_, ns_, "two");
  one.clock.pause(true);
  ASSERT_TRUE(await([&] { return two.led.load(); }));
  one.clock.pause(false);
  ASSERT_TRUE(await([&] { return one.ended.load(); }));
  EXPECT_EQ(one.outcome.error().reason, "LeaseLost");
  EXPECT_TRUE(two.election.leading());
  EXPECT_EQ(plane_.get(ns_, "lease/test", "{.spec.holderIdentity}"), "two");
}

}  // namespace
}  // namespace lockkeeper::kube
