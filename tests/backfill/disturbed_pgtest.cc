#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "tests/backfill/field.h"
#include "tests/support/await.h"

namespace lockkeeper::backfill {
namespace {

using base::Context;
using base::ErrorCode;
using support::await;
using support::Field;
using support::PrivatePostgres;

// Repeats a statement of a client until it goes out of scope; the number of the round is $1.
class Client {
 public:
  Client(const Field& field, std::vector<std::string> statements)
      : session_(sql::Session::connect(Context(),
                                       support::endpoint_of(field.server(), field.database()), {})
                     .value()),
        statements_(std::move(statements)),
        thread_([this](const std::stop_token& stop) { run(stop); }) {
    EXPECT_TRUE(await([this] { return rounds_ > 0; }));
  }
  // Ends it; how often it ran.
  int finish() {
    thread_.request_stop();
    thread_.join();
    return rounds_;
  }
  [[nodiscard]] int rounds() const { return rounds_; }
  [[nodiscard]] std::string error() const { return error_; }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      for (const auto& text : statements_) {
        sql::Statement statement{sql::Fragment::trusted(text)};
        statement.bind(static_cast<int>(rounds_));
        const auto done = session_.execute(Context(), statement);
        if (!done.ok() && error_.empty()) error_ = done.error().text();
      }
      ++rounds_;
    }
  }

  sql::Session session_;
  std::vector<std::string> statements_;
  std::atomic<int> rounds_{0};
  std::string error_;
  std::jthread thread_;
};

class DisturbedTest : public ::testing::Test {
 protected:
  void make(int rows) {
    field_.sql("CREATE TABLE t (id bigint PRIMARY KEY, old int NOT NULL)");
    field_.sql("INSERT INTO t SELECT g, g % 1000 FROM generate_series(1, " + std::to_string(rows) +
               ") g");
    field_.expand("t");
  }
  // A context that is stopped once so many rows are done.
  struct Interruption {
    std::stop_source source;
    Report report;
    explicit Interruption(std::int64_t rows) {
      report = [this, rows](const Progress& now) {
        if (now.rows_done >= rows) source.request_stop();
      };
    }
    [[nodiscard]] Context context() const { return Context().with_stop(source.get_token()); }
  };

  Field field_{PrivatePostgres::shared()};
};

TEST_F(DisturbedTest, WritersOfBothShapesLoseNothing) {
  make(30'000);
  field_.sql("CREATE TABLE expected (id bigint PRIMARY KEY, old int)");
  Client old_version(field_, {"UPDATE public.t SET old = 7 + $1 WHERE id = 1 + ($1 * 37) % 30000"});
  Client new_version(field_,
                     {"UPDATE public.t SET n = 2 * (9 + $1) WHERE id = 1 + ($1 * 53) % 30000"});
  Client inserts(field_, {"INSERT INTO public.t (id, old) VALUES (100000 + $1, $1)"});
  Client new_inserts(field_,
                     {"INSERT INTO public.t (id, n, old) VALUES (9000000 + $1, 2 * $1, 0)"});
  Client deletes(field_, {"DELETE FROM public.t WHERE id = ($1 * 71) % 30000"});
  const auto done = field_.run(field_.fill("t", {"id"}), Field::brisk(2));
  ASSERT_TRUE(done.ok()) << done.error().text();
  for (Client* client : {&old_version, &new_version, &inserts, &new_inserts, &deletes}) {
    EXPECT_GT(client->finish(), 0);
    EXPECT_EQ(client->error(), "");
  }
  EXPECT_EQ(field_.wrong("t"), "0");
}

TEST_F(DisturbedTest, KeysThatMoveDownBehindTheCursorAreFilled) {
  make(20'000);
  Client mover(field_, {"UPDATE public.t SET id = -id WHERE id = 20000 - ($1 * 13) % 20000"});
  const auto done = field_.run(field_.fill("t", {"id"}), Field::brisk());
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_GT(mover.finish(), 0);
  EXPECT_EQ(mover.error(), "");
  EXPECT_EQ(field_.wrong("t"), "0");
}

TEST_F(DisturbedTest, RowsThatMoveBetweenPartitionsAreFilled) {
  field_.sql(
      "CREATE TABLE t (id int, part int, old int NOT NULL, PRIMARY KEY (id, part))"
      " PARTITION BY RANGE (part)");
  for (int i = 0; i < 4; ++i) {
    field_.sql("CREATE TABLE t_" + std::to_string(i) + " PARTITION OF t FOR VALUES FROM (" +
               std::to_string(i) + ") TO (" + std::to_string(i + 1) + ")");
  }
  field_.sql("INSERT INTO t SELECT g, g % 4, g % 100 FROM generate_series(1, 12000) g");
  field_.expand("t");
  Client mover(field_,
               {"UPDATE public.t SET part = (part + 3) % 4 WHERE id = 1 + ($1 * 17) % 12000"});
  const auto done = field_.run(field_.fill("t", {}), Field::brisk(2));
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_GT(mover.finish(), 0);
  EXPECT_EQ(mover.error(), "");
  EXPECT_EQ(field_.wrong("t"), "0");
  EXPECT_EQ(field_.ask("SELECT count(*) FROM t"), "12000");
}

TEST_F(DisturbedTest, RowsThatSomebodyHoldsAreFilledOnceTheyAreFree) {
  make(3'000);
  auto holder =
      sql::Session::connect(Context(), support::endpoint_of(field_.server(), field_.database()), {})
          .value();
  ASSERT_TRUE(holder.execute(Context(), "BEGIN").ok());
  ASSERT_TRUE(
      holder.execute(Context(), "SELECT FROM public.t WHERE id IN (5, 2999) FOR UPDATE").ok());
  std::atomic<bool> waits{false};
  std::jthread freer([&] {
    (void)await([&] { return waits.load(); });
    (void)holder.execute(Context(), "COMMIT");
  });
  const auto done =
      field_.run(field_.fill("t", {"id"}), Field::brisk(), {}, [&](const Progress& p) {
        if (p.throttled.find("locked") != std::string::npos) waits = true;
      });
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_TRUE(waits);
  EXPECT_EQ(field_.wrong("t"), "0");
  EXPECT_EQ(done->rows_done, 3'000);
}

TEST_F(DisturbedTest, AStopInTheMiddleIsResumedWhereItWas) {
  make(40'000);
  Interruption halfway(15'000);
  const auto fill = field_.fill("t", {"id"});
  const auto stopped = field_.run(fill, Field::brisk(2), halfway.context(), halfway.report);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
  const std::string counted = field_.ask("SELECT sum(rows_done) FROM lockkeeper.backfill");
  EXPECT_EQ(field_.ask("SELECT count(*) FROM t WHERE _lk_w = 0"), counted);
  EXPECT_EQ(field_.wrong("t"), std::to_string(40'000 - std::stoi(counted)));
  const auto done = field_.run(fill, Field::brisk(2));
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(done->rows_done, 40'000);
  EXPECT_EQ(field_.wrong("t"), "0");
}

TEST_F(DisturbedTest, TablesThatAreRewrittenInTheMiddleAreVisitedAnew) {
  field_.sql("CREATE TABLE t (old int NOT NULL)");
  field_.sql("INSERT INTO t SELECT g FROM generate_series(1, 40000) g");
  field_.sql("DELETE FROM t WHERE old < 20000");
  field_.expand("t");
  Interruption halfway(5'000);
  const auto fill = field_.fill("t", {});
  ASSERT_FALSE(field_.run(fill, Field::brisk(), halfway.context(), halfway.report).ok());
  field_.sql("VACUUM FULL t");
  const auto done = field_.run(fill);
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(field_.wrong("t"), "0");
}

TEST_F(DisturbedTest, ARewriteWhileItRunsIsNoticed) {
  field_.sql("CREATE TABLE t (old int NOT NULL)");
  field_.sql("INSERT INTO t SELECT g FROM generate_series(1, 30000) g");
  field_.sql("DELETE FROM t WHERE old < 10000");
  field_.expand("t");
  std::atomic<bool> rewritten{false};
  const auto report = [&](const Progress& now) {
    if (now.rows_done > 2'000 && !rewritten.exchange(true)) field_.sql("VACUUM FULL t");
  };
  const auto fill = field_.fill("t", {});
  const auto done = field_.run(fill, Field::brisk(), {}, report);
  EXPECT_TRUE(rewritten);
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(field_.wrong("t"), "0");
}

TEST_F(DisturbedTest, WhoWasDeposedWritesNothingMore) {
  make(20'000);
  std::atomic<bool> deposed{false};
  const auto report = [&](const Progress& now) {
    if (now.rows_done > 3'000 && !deposed.exchange(true)) {
      field_.sql("UPDATE lockkeeper.migration SET epoch = epoch + 1");
    }
  };
  const auto fenced = field_.run(field_.fill("t", {"id"}), Field::brisk(), {}, report);
  ASSERT_FALSE(fenced.ok());
  EXPECT_EQ(fenced.error().reason, "Fenced");
  const std::string filled = field_.ask("SELECT count(*) FROM t WHERE _lk_w = 0");
  EXPECT_EQ(field_.ask("SELECT sum(rows_done) FROM lockkeeper.backfill"), filled);
  EXPECT_LT(std::stoi(filled), 20'000);
}

TEST_F(DisturbedTest, ATableLockForAWhileOnlySlowsItDown) {
  make(5'000);
  auto holder =
      sql::Session::connect(Context(), support::endpoint_of(field_.server(), field_.database()), {})
          .value();
  ASSERT_TRUE(holder.execute(Context(), "BEGIN").ok());
  ASSERT_TRUE(holder.execute(Context(), "LOCK TABLE public.t IN SHARE MODE").ok());
  const auto before = field_.server().log().size();
  std::jthread freer([&] {
    // Beyond one lock_timeout of the workers.
    (void)await([&] {
      return field_.server().log().find("canceling statement due to lock timeout", before) !=
             std::string::npos;
    });
    (void)holder.execute(Context(), "COMMIT");
  });
  const auto done = field_.run(field_.fill("t", {"id"}));
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(field_.wrong("t"), "0");
}

TEST(CrashTest, AServerKilledInTheMiddleEndsAsIfItHadNotBeen) {
  PrivatePostgres pg({.fsync = true, .ssl = false, .settings = {}});
  Field field(pg);
  for (const char* table : {"t", "u"}) {
    const std::string name = table;
    field.sql("CREATE TABLE " + name + " (a text, b int, old int NOT NULL, PRIMARY KEY (a, b))");
    field.sql("INSERT INTO " + name +
              " SELECT 'k' || g % 11, g, g % 500 FROM"
              " generate_series(1, 30000) g");
    field.expand(name);
  }
  ASSERT_TRUE(field.run(field.fill("u", {"a", "b"}), Field::brisk(2)).ok());
  const auto fill = field.fill("t", {"a", "b"});
  for (const std::int64_t rows : {4'000, 12'000, 20'000}) {
    std::atomic<bool> killed{false};
    const auto broken = field.run(fill, Field::brisk(2), {}, [&](const Progress& now) {
      if (now.rows_done < rows || killed.exchange(true)) return;
      pg.crash();  // wherever the other worker is
    });
    ASSERT_TRUE(killed);
    ASSERT_FALSE(broken.ok());
    EXPECT_EQ(broken.error().code, ErrorCode::unavailable) << broken.error().text();
    pg.start();
    // What was committed without waiting may be gone, but then its cursor is gone with it.
    EXPECT_EQ(field.ask("SELECT count(*) FROM t WHERE _lk_w = 0"),
              field.ask("SELECT sum(rows_done) FROM lockkeeper.backfill WHERE relid = "
                        "'t'::regclass"));
  }
  const auto done = field.run(fill, Field::brisk(2));
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(pg.row_hash(field.database(), "t"), pg.row_hash(field.database(), "u"));
}

TEST_F(DisturbedTest, ASessionThatIsTerminatedMidChunkIsUnavailableAndGoesOnLater) {
  make(30'000);
  std::atomic<bool> ended{false};
  const auto fill = field_.fill("t", {"id"});
  const auto broken = field_.run(fill, Field::brisk(2), {}, [&](const Progress& now) {
    if (now.rows_done < 5'000 || ended.exchange(true)) return;
    field_.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
        " current_database() AND application_name = 'lockkeeper'");
  });
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code, ErrorCode::unavailable) << broken.error().text();
  const auto done = field_.run(fill, Field::brisk(2));
  ASSERT_TRUE(done.ok()) << done.error().text();
  EXPECT_EQ(field_.wrong("t"), "0");
  EXPECT_EQ(done->rows_done, 30'000);
}

}  // namespace
}  // namespace lockkeeper::backfill
