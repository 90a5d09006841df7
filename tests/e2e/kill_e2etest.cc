// kill -9 of the operator at every step: what the next process ends with is what an undisturbed one
// does. One run takes a kill per step, at an instant that is drawn; with LK_LONG=1 each instant of
// each step has a run of its own.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <random>

#include "tests/e2e/ledger_watch.h"
#include "tests/e2e/shop.h"
#include "tests/support/await.h"
#include "tests/support/pg_connection.h"

namespace lockkeeper::e2e {
namespace {

using std::chrono::seconds;
using support::await;

const Json job = Json::parse(
    R"([{"renameColumn": {"table": "users", "from": "name", "to": "display_name"}},
        {"addColumn": {"table": "users", "up": "'free'",
         "column": {"name": "plan", "type": "text", "nullable": false}}},
        {"changeType": {"table": "users", "column": "amount", "type": "bigint"}},
        {"createIndex": {"table": "users", "name": "users_plan", "columns": [{"name": "plan"}]}}])");

struct Ending {
  std::string schema;
  std::string rows;
  bool operator==(const Ending&) const = default;
};

void PrintTo(const Ending& ending, std::ostream* out) {
  *out << ending.schema << ending.rows;
}

Ending ending_of(const Shop& shop) {
  return {.schema = shop.schema(), .rows = shop.postgres().row_hash(shop.database(), "shop.users")};
}

// What is told: a job to its end, or to the point where it is taken back.
struct Story {
  std::string end;  // the phase
  bool back = false;
};

void begin(Shop& shop, const Story& story) {
  shop.migrate("job", job, {{"until", story.back ? "Expand" : "Contract"}});
  if (!story.back) return;
  if (!shop.reaches("job", "ReadyToSwitch")) throw std::runtime_error("does not get ready");
  // What both versions wrote is kept.
  shop.execute("UPDATE shop.users SET display_name = 'new' WHERE id = 3");
  shop.execute("UPDATE shop.users SET name = 'old' WHERE id = 4");
}

void turn(Shop& shop, const Story& story) {
  if (story.back) shop.patch("job", {{"spec", {{"rollback", true}}}});
}

struct Undisturbed {
  std::vector<Moment> moments;
  Ending ending;
};

Undisturbed see_undisturbed(const Story& story) {
  Shop shop;
  if (!shop.says("lkdb/shop", "Ready", "LimitedVisibility"))
    throw std::runtime_error("no Database");
  LedgerWatch watch(shop);
  begin(shop, story);
  turn(shop, story);
  if (!shop.reaches("job", story.end)) throw std::runtime_error("does not even end in peace");
  Undisturbed seen{.moments = watch.moments(), .ending = ending_of(shop)};
  std::erase_if(seen.moments, [&](const Moment& moment) {
    return (moment.instant >= Instant::undo) != story.back;
  });
  return seen;
}

std::string to_string(const Moment& moment) {
  return moment.step + " " + to_string(moment.instant);
}

// Kills when the operator is there; the caller starts it again.
void kill_at(Shop& shop, LedgerWatch& watch, const Moment& moment) {
  EXPECT_TRUE(await([&] { return watch.reached(moment); }, seconds(60)))
      << to_string(moment) << " was not reached: " << shop.status("lkm/job").dump(1);
  shop.lockkeeper().kill();
  watch.release();
}

// One run that is killed at these moments, one after the other.
void run_with_kills_at(const Story& story, const std::vector<Moment>& moments,
                       const Ending& peaceful) {
  Shop shop;
  ASSERT_TRUE(shop.says("lkdb/shop", "Ready", "LimitedVisibility"));
  LedgerWatch watch(shop);
  if (story.back) begin(shop, story);
  for (const Moment& moment : moments) {
    watch.hold(moment);
    const bool first = &moment == &moments.front();
    if (!first) {
      shop.lockkeeper().restart();
    } else if (story.back) {
      turn(shop, story);
    } else {
      begin(shop, story);
    }
    kill_at(shop, watch, moment);
  }
  shop.lockkeeper().restart();
  ASSERT_TRUE(shop.reaches("job", story.end));
  EXPECT_EQ(ending_of(shop), peaceful);
  EXPECT_EQ(watch.irregularities(), "");
  EXPECT_EQ(shop.left_behind(), "");
}

// One moment of each step.
std::vector<Moment> drawn_from(const std::vector<Moment>& moments, std::mt19937& draw) {
  std::map<std::string, std::vector<Moment>> of_step;
  for (const Moment& moment : moments) of_step[moment.step].push_back(moment);
  std::vector<Moment> drawn;
  for (const Moment& moment : moments) {
    const auto& choice = of_step.at(moment.step);
    if (drawn.empty() || drawn.back().step != moment.step) {
      drawn.push_back(choice[draw() % choice.size()]);
    }
  }
  return drawn;
}

void kill_in_each_step(const Story& story) {
  const auto calm = see_undisturbed(story);
  ASSERT_FALSE(calm.moments.empty());
  std::size_t kills = calm.moments.size();
  if (std::getenv("LK_LONG") != nullptr) {
    for (const Moment& moment : calm.moments) {
      SCOPED_TRACE(to_string(moment));
      run_with_kills_at(story, {moment}, calm.ending);
    }
  } else {
    const auto seed = std::random_device()();
    std::mt19937 draw(seed);
    const auto moments = drawn_from(calm.moments, draw);
    std::string text = fmt::format("seed {}:", seed);
    for (const Moment& moment : moments) text += " " + to_string(moment) + ",";
    SCOPED_TRACE(text);
    run_with_kills_at(story, moments, calm.ending);
    kills = moments.size();
  }
  std::cout << story.end << ": killed " << kills << " times, of " << calm.moments.size()
            << " moments\n";
}

TEST(KillStory, AKillInEachStepChangesNothing) {
  kill_in_each_step({.end = "Completed"});
}

// The server goes on building for a client that is gone, or leaves an index that is not valid.
TEST(KillStory, AKillInTheMiddleOfAnIndexBuildChangesNothing) {
  Shop shop;
  ASSERT_TRUE(shop.says("lkdb/shop", "Ready", "LimitedVisibility"));
  LedgerWatch watch(shop);
  support::PgConnection reader(shop.uri());
  reader.exec("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM shop.users");
  shop.migrate("job", Json::parse(R"([{"createIndex": {"table": "users", "name": "users_amount",
      "columns": [{"name": "amount"}]}}])"));
  ASSERT_TRUE(await([&] {
    return shop.sql(
               "SELECT count(*) FROM pg_index WHERE NOT indisvalid AND indrelid = "
               "'shop.users'::regclass") == "1";
  })) << shop.status("lkm/job").dump(1);
  shop.lockkeeper().kill();
  shop.lockkeeper().restart();
  reader.exec("COMMIT");
  ASSERT_TRUE(shop.reaches("job", "Completed"));
  EXPECT_EQ(shop.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = "
                     "'shop.users_amount'::regclass"),
            "t");
  EXPECT_EQ(watch.irregularities(), "");
  EXPECT_EQ(shop.left_behind(), "");
}

TEST(KillStory, AKillInEachStepOfTheWayBackChangesNothing) {
  kill_in_each_step({.end = "RolledBack", .back = true});
}

}  // namespace
}  // namespace lockkeeper::e2e
