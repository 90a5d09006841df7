// What a backfill costs beside a key-range SQL loop that fires one plpgsql trigger, in one run:
//
//   backfill_benchmark [rows] [runs]
//
// Ways are interleaved and the median is shown, so that a busy machine slows all of them alike.
// "direct" sets the new column itself and lets the trigger return at once: what a router-less fill
// would gain.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/backfill/field.h"
#include "tests/support/scratch.h"

namespace {

using lockkeeper::backfill::Tuning;
using lockkeeper::support::Field;
using lockkeeper::support::PrivatePostgres;

class Bench {
 public:
  Bench(PrivatePostgres& pg, int rows) : field_(pg), rows_(rows) {
    field_.sql(
        "CREATE FUNCTION direct() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW._lk_w = 0 THEN RETURN NEW; END IF; NEW.n := NEW.old; RETURN NEW; END $$"
        " SET search_path = pg_catalog, pg_temp");
    field_.sql(
        "CREATE FUNCTION copy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " NEW.n := NEW.old; RETURN NEW; END $$");
    field_.sql(
        "CREATE PROCEDURE move(total bigint) LANGUAGE plpgsql AS $$ BEGIN"
        " FOR low IN 0 .. total - 1 BY 5000 LOOP"
        "  UPDATE t SET n = NULL WHERE id > low AND id <= low + 5000; COMMIT;"
        " END LOOP; END $$");
  }

  // A function with SET pays for setting and restoring it at every call.
  void search_path(bool set) {
    field_.sql(set ? "ALTER FUNCTION route() SET search_path = pg_catalog, pg_temp"
                   : "ALTER FUNCTION route() RESET search_path");
  }
  double loop() {
    make("copy");
    return timed([&] { field_.sql("CALL move(" + std::to_string(rows_) + ")"); });
  }
  double ours(int shards, const std::string& router, const std::string& assignments) {
    make(router);
    auto fill = field_.fill("t", {"id"});
    fill.assignments = assignments;
    Tuning tuning;
    tuning.pause = std::chrono::milliseconds(0);
    tuning.shards = shards;
    return timed([&] { (void)field_.run(fill, tuning).value(); });
  }

 private:
  void make(const std::string& router) {
    field_.sql("DROP TABLE IF EXISTS t; DELETE FROM lockkeeper.backfill");
    field_.sql("CREATE TABLE t (id bigint PRIMARY KEY, label text, old int NOT NULL, spare int)");
    field_.sql("INSERT INTO t SELECT i, 'label ' || i, i % 1000, i FROM generate_series(1, " +
               std::to_string(rows_) + ") i");
    field_.sql("CREATE INDEX ON t (label); CREATE INDEX ON t (spare)");
    field_.sql("VACUUM ANALYZE t");
    field_.sql("ALTER TABLE t ADD COLUMN n bigint, ADD COLUMN _lk_w smallint");
    field_.sql(
        "CREATE TRIGGER \"~lk\" BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION " +
        router + "()");
    field_.sql("CHECKPOINT");
  }
  // Rows per second.
  [[nodiscard]] double timed(const std::function<void()>& work) const {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    return rows_ / took.count();
  }

  Field field_;
  int rows_;
};

double median(std::vector<double> seen) {
  std::ranges::sort(seen);
  return seen[seen.size() / 2];
}

}  // namespace

int main(int argc, char** argv) try {
  const int rows = argc > 1 ? std::atoi(argv[1]) : 1'000'000;
  const int runs = argc > 2 ? std::atoi(argv[2]) : 3;
  PrivatePostgres pg(
      {.fsync = true, .ssl = false, .settings = {"shared_buffers = 512MB", "max_wal_size = 4GB"}});
  Bench bench(pg, rows);
  const std::string marker = "\"_lk_w\" = 0";
  const std::vector<std::pair<std::string, std::function<double()>>> ways{
      {"loop with one plpgsql trigger (baseline)", [&] { return bench.loop(); }},
      {"one shard", [&] { return bench.ours(1, "route", marker); }},
      {"two shards", [&] { return bench.ours(2, "route", marker); }},
      {"one shard, router without its search_path",
       [&] {
         bench.search_path(false);
         const double rate = bench.ours(1, "route", marker);
         bench.search_path(true);
         return rate;
       }},
      {"one shard, direct", [&] { return bench.ours(1, "direct", "n = old * 2, " + marker); }},
  };
  std::map<std::string, std::vector<double>> rates;
  for (int i = 0; i < runs; ++i) {
    for (const auto& [name, way] : ways) rates[name].push_back(way());
  }
  const double base = median(rates[ways.front().first]);
  for (const auto& [name, way] : ways) {
    const double rate = median(rates[name]);
    fmt::print("{:<42} {:>9.0f} rows/s  {:.2f} x\n", name, rate, rate / base);
  }
  lockkeeper::support::finish_scratch();
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "backfill_benchmark: {}\n", error.what());
  return 1;
}
