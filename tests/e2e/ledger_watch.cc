#include "tests/e2e/ledger_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace lockkeeper::e2e {
namespace {

constexpr const char* install = R"(
CREATE SCHEMA watch;
CREATE TABLE watch.wanted (step_id text, instant text);
CREATE TABLE watch.written (n bigserial, migration_id uuid, step_id text, status text,
                            epoch bigint);
CREATE FUNCTION watch.wait_for(step text, at text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM watch.wanted w WHERE w.step_id = step AND w.instant = at) THEN
    PERFORM pg_catalog.pg_advisory_xact_lock(20261122);
  END IF;
END $$;
CREATE FUNCTION watch.step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status = 'running' THEN PERFORM watch.wait_for(NEW.step_id, 'intent'); END IF;
  IF NEW.status = 'done' THEN PERFORM watch.wait_for(NEW.step_id, 'result'); END IF;
  INSERT INTO watch.written (migration_id, step_id, status, epoch)
    SELECT NEW.migration_id, NEW.step_id, NEW.status, m.epoch
      FROM lockkeeper.migration m WHERE m.id = NEW.migration_id;
  RETURN NEW;
END $$;
CREATE FUNCTION watch.chunk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM watch.wait_for(NEW.step_id, 'inside');
  INSERT INTO watch.written (migration_id, step_id, status)
    VALUES (NEW.migration_id, NEW.step_id, 'chunk');
  RETURN NEW;
END $$;
CREATE TRIGGER watch BEFORE UPDATE ON lockkeeper.step
  FOR EACH ROW EXECUTE FUNCTION watch.step();
CREATE TRIGGER watch BEFORE UPDATE ON lockkeeper.backfill
  FOR EACH ROW EXECUTE FUNCTION watch.chunk();
)";

}  // namespace

std::string to_string(Instant instant) {
  switch (instant) {
    case Instant::intent: return "intent";
    case Instant::inside: return "inside";
    case Instant::result: return "result";
    case Instant::after: break;
  }
  return "after";
}

LedgerWatch::LedgerWatch(const Shop& shop) : keeper_(shop.uri()), observer_(shop.uri()) {
  keeper_.exec(install);
}

void LedgerWatch::hold(const std::string& step, Instant instant) {
  keeper_.exec("SELECT pg_advisory_lock(20261122)");
  keeper_.exec(fmt::format("DELETE FROM watch.wanted; INSERT INTO watch.wanted VALUES ('{}', '{}')",
                           step, to_string(instant)));
}

void LedgerWatch::release() {
  keeper_.exec("DELETE FROM watch.wanted");
  keeper_.exec("SELECT pg_advisory_unlock_all()");
}

std::vector<Moment> LedgerWatch::moments() {
  std::istringstream lines(observer_.exec(
      "SELECT s.step_id || ' ' || i.instant FROM lockkeeper.step s, (VALUES ('intent', 'running'), "
      "('inside', 'chunk'), ('result', 'done'), ('after', 'done')) i(instant, status) WHERE EXISTS "
      "(SELECT FROM watch.written w WHERE (w.step_id, w.status) = (s.step_id, i.status)) "
      "ORDER BY s.ordinal, array_position('{intent,inside,result,after}', i.instant)"));
  std::vector<Moment> found;
  for (std::string step, word; lines >> step >> word;) {
    const auto instant =
        std::ranges::find(all_instants, word, [](Instant i) { return to_string(i); });
    found.push_back({step, *instant});
  }
  return found;
}

bool LedgerWatch::held() {
  return observer_.exec(
             "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = 20261122 "
             "AND classid = 0 AND NOT granted") == "t";
}

bool LedgerWatch::done(const std::string& step) {
  return observer_.exec(fmt::format(
             "SELECT count(*) FROM lockkeeper.step WHERE step_id = '{}' AND status = 'done'",
             step)) != "0";
}

std::string LedgerWatch::irregularities() {
  return observer_.exec(
      "SELECT s.step_id || ' was done ' || count(w.n) || ' times' FROM lockkeeper.step s "
      "LEFT JOIN watch.written w ON w.migration_id = s.migration_id AND w.step_id = s.step_id "
      "AND w.status = 'done' GROUP BY s.step_id HAVING count(w.n) <> 1 UNION ALL "
      "SELECT 'write ' || w.n || ' is of an owner that was replaced' FROM watch.written w "
      "WHERE EXISTS (SELECT FROM watch.written v WHERE v.migration_id = w.migration_id AND "
      "v.n < w.n AND v.epoch > w.epoch)");
}

}  // namespace lockkeeper::e2e
