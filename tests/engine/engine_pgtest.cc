#include <thread>

#include "dbcore/engine/engine.h"
#include "tests/execute/playground.h"
#include "tests/support/await.h"
#include "tests/support/pg_connection.h"

namespace lockkeeper::engine {
namespace {

using base::Context;
using base::ErrorCode;
using execute::Playground;
using execute::Record;
using execute::State;
using namespace std::chrono_literals;

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override { ground_.make_table(); }

  void start(const plan::Plan& plan) {
    auto record = execute::begin(ground_, plan);
    LK_ASSERT_OK(record);
    record_ = *record;
  }
  void start() { start(execute::whole_plan(ground_)); }

  base::Result<Record> expand(const Context& ctx = Context()) {
    return engine_.expand(ctx, record_, tuning_, progress_);
  }
  base::Result<Record> contract(const Context& ctx = Context()) {
    return engine_.contract(ctx, record_, tuning_, progress_);
  }
  base::Result<Record> roll_back(const Context& ctx = Context()) {
    return engine_.roll_back(ctx, record_, tuning_, progress_);
  }

  Playground ground_;
  Engine engine_{ground_.pool};
  Record record_;
  Tuning tuning_;
  execute::Progress progress_;
};

TEST_F(EngineTest, ExpandAndContractRunEachStepOnce) {
  start();
  const auto ready = expand();
  LK_ASSERT_OK(ready);
  EXPECT_EQ(ready->state, State::ready);
  EXPECT_EQ(ground_.ask("SELECT step_id, status, attempts FROM lockkeeper.step ORDER BY ordinal"),
            "expand-t|done|1\nindex-t_name|done|1\ncheck-t|done|1\nvalidate-t|done|1\n"
            "contract-1|pending|0");
  EXPECT_EQ(progress_.read().steps_done, 4);
  EXPECT_EQ(progress_.read().steps_total, 5);
  const auto drift = engine_.drift(Context(), *ready);
  LK_ASSERT_OK(drift);
  EXPECT_FALSE(drift->has_value());
  const auto completed = contract();
  LK_ASSERT_OK(completed);
  EXPECT_EQ(completed->state, State::completed);
  EXPECT_EQ(ground_.ask("SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE "
                        "attrelid = 't'::regclass AND attnum > 0 AND NOT attisdropped"),
            "id,a,name");
  EXPECT_EQ(ground_.ask("SELECT count(*) FROM lockkeeper.claim"), "0");
}

TEST_F(EngineTest, RollBackLeavesTheTableAsItWas) {
  const auto before = ground_.pg.dump_schema(ground_.db, {"--schema=public"});
  start();
  const auto facts = record_.facts;
  LK_ASSERT_OK(expand());
  EXPECT_NE(ground_.pg.dump_schema(ground_.db, {"--schema=public"}), before);
  const auto rolled = roll_back();
  LK_ASSERT_OK(rolled);
  EXPECT_EQ(rolled->state, State::rolled_back);
  EXPECT_EQ(ground_.pg.dump_schema(ground_.db, {"--schema=public"}), before);
  EXPECT_EQ(ground_.ask("SELECT count(*) FROM lockkeeper.claim"), "0");
  // And again from the start, to the end.
  start();
  LK_ASSERT_OK(expand());
  LK_ASSERT_OK(contract());
}

TEST_F(EngineTest, AnotherProcessThatTookOverEndsTheOldOnesWork) {
  start();
  const auto session = execute::lease(*ground_.pool);
  ground_.run("UPDATE lockkeeper.migration SET epoch = epoch + 1, owner = 'somebody else'");
  const auto fenced = expand();
  ASSERT_FALSE(fenced.ok());
  EXPECT_EQ(fenced.error().reason, "Fenced");
  EXPECT_EQ(ground_.ask("SELECT count(*) FROM lockkeeper.step WHERE status <> 'pending'"), "0");
  const auto adopted = engine_.adopt(Context(), record_);
  LK_ASSERT_OK(adopted);
  EXPECT_EQ(adopted->epoch, 3);
  record_ = *adopted;
  LK_ASSERT_OK(expand());
}

TEST_F(EngineTest, AnEndpointThatLeadsElsewhereIsNotAdopted) {
  start();
  ground_.run("UPDATE lockkeeper.migration SET database_oid = 1");
  auto session = execute::lease(*ground_.pool);
  const auto moved = execute::journal::find(Context(), *session, record_.identity);
  const auto refused = engine_.adopt(Context(), **moved);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().reason, "WrongDatabase");
}

TEST_F(EngineTest, AHandMadeChangeStopsEverythingUntilItIsTakenBack) {
  start();
  ground_.run("ALTER TABLE t ADD COLUMN by_hand int");
  const auto stopped = expand();
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::precondition);
  EXPECT_EQ(stopped.error().reason, "Drift");
  EXPECT_NE(stopped.error().detail.find("by_hand"), std::string::npos) << stopped.error().text();
  EXPECT_EQ(ground_.ask("SELECT count(*) FROM pg_attribute WHERE attname = 'a' AND attrelid = "
                        "'t'::regclass"),
            "0");
  const auto drift = engine_.drift(Context(), record_);
  LK_ASSERT_OK(drift);
  ASSERT_TRUE(drift->has_value());
  ground_.run("ALTER TABLE t DROP COLUMN by_hand");
  LK_ASSERT_OK(expand());
}

TEST_F(EngineTest, DriftBetweenExpandAndContractIsSeenBeforeContract) {
  start();
  LK_ASSERT_OK(expand());
  ground_.run("ALTER TABLE t DROP CONSTRAINT name_set");
  const auto stopped = contract();
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().reason, "Drift");
  EXPECT_NE(stopped.error().detail.find("name_set"), std::string::npos);
  LK_ASSERT_OK(roll_back());
}

TEST_F(EngineTest, DuplicateKeysAreNamedAndDoNotStopWriters) {
  start();
  ground_.run("INSERT INTO t VALUES (1000, 'twice'), (1001, 'twice')");
  const auto blocked = expand();
  ASSERT_FALSE(blocked.ok());
  EXPECT_EQ(blocked.error().code, ErrorCode::precondition);
  EXPECT_EQ(blocked.error().reason, "DuplicateKeys");
  EXPECT_NE(blocked.error().detail.find("twice"), std::string::npos) << blocked.error().text();
  // No invalid index is left to refuse the application's rows.
  EXPECT_EQ(ground_.ask("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0");
  ground_.run("INSERT INTO t VALUES (1002, 'twice')");
  EXPECT_EQ(ground_.ask("SELECT status FROM lockkeeper.step WHERE step_id = 'index-t_name'"),
            "failed");
  ground_.run("DELETE FROM t WHERE id > 1000");
  LK_ASSERT_OK(expand());
}

TEST_F(EngineTest, ARowThatFailsACheckIsNamed) {
  start();
  ground_.run("INSERT INTO t VALUES (77777, '')");
  const auto blocked = expand();
  ASSERT_FALSE(blocked.ok());
  EXPECT_EQ(blocked.error().reason, "RowFails");
  EXPECT_NE(blocked.error().detail.find("id=77777"), std::string::npos) << blocked.error().text();
  LK_ASSERT_OK(roll_back());
}

// As a build leaves it that was killed: the step said running, the index is there and invalid.
TEST_F(EngineTest, AnIndexLeftInvalidByAnotherLifeIsBuiltAnew) {
  ground_.run("INSERT INTO t VALUES (1000, 'twice'), (1001, 'twice')");
  EXPECT_THROW(ground_.run("CREATE UNIQUE INDEX CONCURRENTLY t_name ON t (name)"),
               std::runtime_error);
  ground_.run("DELETE FROM t WHERE id = 1001");
  ASSERT_EQ(ground_.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_name'::regclass"),
            "f");
  start(execute::plan_of(ground_, {execute::index_step(ground_.relation("t"))}));
  LK_ASSERT_OK(expand());
  EXPECT_EQ(ground_.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_name'::regclass"),
            "t");
}

TEST_F(EngineTest, ABlockerIsShownAndNobodyWaitsLongBehindUs) {
  start();
  support::PgConnection holder(ground_.pg.uri("lk_owner", ground_.db));
  holder.exec("BEGIN; SELECT * FROM t LIMIT 1");
  std::stop_source stop;
  std::optional<base::Result<Record>> done;
  std::jthread job(
      [&] { done = expand(Context(stop.get_token(), base::Clock::real(), base::Logger())); });
  support::PgConnection client(ground_.pg.uri("lk_owner", ground_.db));
  auto longest = 0ms;
  int reads = 0;
  ASSERT_TRUE(support::await([&] {
    const auto begin = std::chrono::steady_clock::now();
    client.exec("SELECT * FROM t WHERE id = 1");
    longest = std::max(longest, std::chrono::duration_cast<std::chrono::milliseconds>(
                                    std::chrono::steady_clock::now() - begin));
    ++reads;
    return reads > 100 && progress_.read().attempts >= 3 && !progress_.read().blockers.empty();
  }));
  const auto view = progress_.read();
  EXPECT_EQ(view.step, "expand-t");
  EXPECT_EQ(view.activity, "waiting for a lock on t");
  EXPECT_EQ(view.blockers[0].pid, holder.backend_pid());
  EXPECT_EQ(view.blockers[0].user, "lk_owner");
  EXPECT_EQ(view.blockers[0].state, "idle in transaction");
  EXPECT_LT(longest, 600ms);
  holder.exec("COMMIT");
  job.join();
  ASSERT_TRUE(done.has_value());
  LK_ASSERT_OK(*done);
  EXPECT_TRUE(progress_.read().blockers.empty());
}

TEST_F(EngineTest, AStopEndsAWaitAtOnceAndLeavesNothingHalfDone) {
  start();
  support::PgConnection holder(ground_.pg.uri("lk_owner", ground_.db));
  holder.exec("BEGIN; SELECT * FROM t LIMIT 1");
  std::stop_source stop;
  std::optional<base::Result<Record>> done;
  std::jthread job(
      [&] { done = expand(Context(stop.get_token(), base::Clock::real(), base::Logger())); });
  ASSERT_TRUE(support::await([&] { return progress_.read().attempts >= 1; }));
  stop.request_stop();
  job.join();
  ASSERT_TRUE(done.has_value());
  ASSERT_FALSE(done->ok());
  EXPECT_EQ(done->error().code, ErrorCode::cancelled);
  holder.exec("COMMIT");
  LK_ASSERT_OK(expand());
}

TEST_F(EngineTest, OneQuestionOneBoolean) {
  const auto yes = engine_.ask(Context(), "SELECT count(*) = 100 FROM public.t");
  LK_ASSERT_OK(yes);
  EXPECT_TRUE(*yes);
  EXPECT_EQ(engine_.ask(Context(), "SELECT 1").error().code, ErrorCode::invalid);
  EXPECT_FALSE(engine_.ask(Context(), "DELETE FROM public.t RETURNING true").ok());
  EXPECT_EQ(ground_.ask("SELECT count(*) FROM t"), "100");
}

TEST_F(EngineTest, SessionsAreFoundByNameAndUser) {
  support::PgConnection client(ground_.pg.uri("lk_owner", ground_.db) +
                               "&application_name=shop-blue");
  const auto by_name = engine_.sessions(Context(), {"shop-blue", ""});
  LK_ASSERT_OK(by_name);
  ASSERT_EQ(by_name->size(), 1U);
  EXPECT_EQ((*by_name)[0].pid, client.backend_pid());
  const auto none = engine_.sessions(Context(), {"shop-blue", "somebody"});
  LK_ASSERT_OK(none);
  EXPECT_TRUE(none->empty());
}

}  // namespace
}  // namespace lockkeeper::engine
