#include "operator/kube/leader.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "operator/kube/metrics.h"
#include "tests/operator/fake_leases.h"
#include "tests/support/await.h"
#include "tests/support/fake_clock.h"

namespace lockkeeper::kube {

FakeLeases::FakeLeases() = default;
FakeLeases::~FakeLeases() = default;

base::Result<http::Response> FakeLeases::send(const base::Context& ctx,
                                              const http::Request& request) {
  TRY_OK(ctx.check());
  const base::Lock lock(mutex_);
  if (broken_) return base::unavailable("broken down");
  return request.method == "GET" ? get() : write(request);
}

base::Result<http::Response> FakeLeases::stream(const base::Context&, const http::Request&,
                                                const http::ChunkSink&) {
  return base::internal("nobody watches leases");
}

http::Response FakeLeases::get() {
  if (!lease_) return {.status = 404, .body = R"({"kind":"Status","reason":"NotFound"})"};
  return {.status = 200, .body = lease_->dump()};
}

http::Response FakeLeases::write(const http::Request& request) {
  Json next = Json::parse(request.body);
  const bool creates = request.method == "POST";
  if (creates && lease_) {
    return {.status = 409, .body = R"({"kind":"Status","reason":"AlreadyExists"})"};
  }
  const std::string version = next["metadata"].value("resourceVersion", "");
  if (!creates && (!lease_ || version != std::to_string(version_))) {
    return {.status = 409, .body = R"({"kind":"Status","reason":"Conflict"})"};
  }
  next["metadata"]["resourceVersion"] = std::to_string(++version_);
  lease_ = std::make_unique<Json>(std::move(next));
  return {.status = creates ? 201 : 200, .body = lease_->dump()};
}

void FakeLeases::break_down(bool broken) {
  const base::Lock lock(mutex_);
  broken_ = broken;
}
std::string FakeLeases::holder() const {
  const base::Lock lock(mutex_);
  return lease_ ? (*lease_)["spec"].value("holderIdentity", "") : "";
}
int FakeLeases::transitions() const {
  const base::Lock lock(mutex_);
  return lease_ ? (*lease_)["spec"].value("leaseTransitions", 0) : 0;
}
int FakeLeases::writes() const {
  const base::Lock lock(mutex_);
  return version_;
}

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using support::await;
using support::FakeClock;

// One replica: its own clock, so that a test can let it stand still.
struct Replica {
  Replica(std::shared_ptr<FakeLeases> server, const std::string& identity)
      : client(std::move(server), nullptr, {.qps = 0}),
        election(client, {.identity = identity, .random = [] { return 0.0; }}, &metrics),
        thread([this] {
          outcome = election.run({stop.get_token(), clock, {}}, [this] { started.fetch_add(1); });
          ended = true;
        }) {}
  ~Replica() { stop.request_stop(); }
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  // Moves the clock on, sleep by sleep, so that the election sees each moment that it asked for.
  void pass(seconds d) {
    base::Clock::Duration gone{0};
    while (gone < d && !ended) {
      ASSERT_TRUE(await([&] { return clock.sleepers() == 1 || ended; }));
      const auto sleeps = clock.slept();
      clock.advance(sleeps.back());
      gone += sleeps.back();
      ASSERT_TRUE(await([&] { return clock.slept().size() > sleeps.size() || ended; }));
    }
  }
  void finish() {
    stop.request_stop();
    thread.join();
  }

  FakeClock clock;
  Metrics metrics;
  Client client;
  std::stop_source stop;
  std::atomic<int> started{0};
  std::atomic<bool> ended{false};
  base::Result<void> outcome;
  LeaderElection election;
  std::jthread thread;
};

class LeaderTest : public ::testing::Test {
 protected:
  std::shared_ptr<FakeLeases> server_ = std::make_shared<FakeLeases>();
};

TEST_F(LeaderTest, TheFirstLeadsAndTheSecondWaits) {
  Replica first(server_, "first");
  ASSERT_TRUE(await([&] { return first.started == 1; }));
  Replica second(server_, "second");
  for (int i = 0; i < 15; ++i) {
    first.pass(seconds{4});
    second.pass(seconds{4});
  }
  EXPECT_TRUE(first.election.leading());
  EXPECT_EQ(second.started, 0);
  EXPECT_EQ(second.election.holder(), "first");
  EXPECT_NE(first.metrics.text().find(R"(leader_election_master_status{name="lockkeeper"} 1)"),
            std::string::npos);
}

TEST_F(LeaderTest, ACleanStopGivesTheLeaseUpAtOnce) {
  Replica first(server_, "first");
  ASSERT_TRUE(await([&] { return first.started == 1; }));
  first.finish();
  EXPECT_TRUE(first.outcome.ok());
  EXPECT_EQ(server_->holder(), "");
  Replica second(server_, "second");
  EXPECT_TRUE(await([&] { return second.started == 1; })) << "without waiting for the lease to end";
  EXPECT_EQ(server_->transitions(), 1);
}

TEST_F(LeaderTest, ALeaseThatIsNotRenewedIsTakenAfterItsTimeAsSeenHere) {
  auto first = std::make_unique<Replica>(server_, "first");
  ASSERT_TRUE(await([&] { return first->started == 1; }));
  Replica second(server_, "second");
  second.pass(seconds{14});
  EXPECT_EQ(second.started, 0);
  second.pass(seconds{4});
  EXPECT_EQ(second.started, 1);
}

TEST_F(LeaderTest, TheClockOfTheHolderDoesNotCount) {
  Replica first(server_, "first");
  ASSERT_TRUE(await([&] { return first.started == 1; }));
  Replica second(server_, "second");
  second.clock.set_wall(base::Clock::Wall(std::chrono::hours{24 * 365 * 100}));
  for (int i = 0; i < 6; ++i) {
    first.pass(seconds{5});
    second.pass(seconds{5});
  }
  EXPECT_EQ(second.started, 0);
}

TEST_F(LeaderTest, APausedLeaderThatComesBackLateEndsWithoutAskingAnybody) {
  Replica first(server_, "first");
  ASSERT_TRUE(await([&] { return first.started == 1 && first.clock.sleepers() == 1; }));
  const int writes = server_->writes();
  first.clock.advance(seconds{60});
  ASSERT_TRUE(await([&] { return first.ended.load(); }));
  ASSERT_FALSE(first.outcome.ok());
  EXPECT_EQ(first.outcome.error().reason, "LeaseLost");
  EXPECT_FALSE(first.election.leading());
  EXPECT_EQ(server_->writes(), writes);
}

TEST_F(LeaderTest, AnApiServerThatIsAwayForLessThanTheDeadlineCostsNothing) {
  Replica first(server_, "first");
  ASSERT_TRUE(await([&] { return first.started == 1; }));
  server_->break_down(true);
  first.pass(seconds{6});
  server_->break_down(false);
  first.pass(seconds{20});
  EXPECT_TRUE(first.election.leading());
}

TEST_F(LeaderTest, AnApiServerThatIsAwayForLongerCostsTheLease) {
  Replica first(server_, "first");
  ASSERT_TRUE(await([&] { return first.started == 1; }));
  server_->break_down(true);
  first.pass(seconds{15});
  ASSERT_TRUE(await([&] { return first.ended.load(); }));
  EXPECT_EQ(first.outcome.error().reason, "LeaseLost");
}

TEST_F(LeaderTest, ItIsUnhealthyOnlyLongAfterTheLeaseHasEnded) {
  Replica first(server_, "first");
  ASSERT_TRUE(await([&] { return first.started == 1; }));
  FakeClock later;
  EXPECT_TRUE(first.election.healthy(later));
  later.advance(seconds{35});
  EXPECT_TRUE(first.election.healthy(later));
  later.advance(seconds{1});
  EXPECT_FALSE(first.election.healthy(later));
}

TEST(IdentityTest, EachProcessHasAnother) {
  EXPECT_NE(make_identity(), make_identity());
}

}  // namespace
}  // namespace lockkeeper::kube
