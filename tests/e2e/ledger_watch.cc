#include "tests/e2e/ledger_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

namespace lockkeeper::e2e {
namespace {

constexpr std::array<const char*, 6> names = {"intent", "inside", "result",
                                              "after",  "undo",   "undone"};

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
  IF NEW.status = 'undone' THEN PERFORM watch.wait_for(NEW.step_id, 'undo'); END IF;
  IF NEW.status = OLD.status THEN RETURN NEW; END IF;
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

std::string literal(const std::string& plain) {
  return "'" + plain + "'";  // ids of steps on tables with simple names
}

}  // namespace

std::string to_string(Instant instant) {
  return names[static_cast<std::size_t>(instant)];
}

LedgerWatch::LedgerWatch(const Shop& shop) : keeper_(shop.uri()), observer_(shop.uri()) {
  keeper_.exec(install);
}

void LedgerWatch::hold(const Moment& moment) {
  keeper_.exec("SELECT pg_advisory_lock(20261122)");
  keeper_.exec(fmt::format("DELETE FROM watch.wanted; INSERT INTO watch.wanted VALUES ({}, '{}')",
                           literal(moment.step), to_string(moment.instant)));
}

void LedgerWatch::release() {
  keeper_.exec("DELETE FROM watch.wanted");
  keeper_.exec("SELECT pg_advisory_unlock_all()");
}

std::vector<Moment> LedgerWatch::moments() {
  std::istringstream lines(observer_.exec(
      "SELECT s.step_id || ' ' || (i.n - 1) FROM lockkeeper.step s, unnest('{running,chunk,done,"
      "done,undone,undone}'::text[]) WITH ORDINALITY i(status, n) WHERE EXISTS (SELECT FROM "
      "watch.written w WHERE (w.step_id, w.status) = (s.step_id, i.status)) "
      "ORDER BY CASE WHEN i.n > 4 THEN 1000 - s.ordinal ELSE s.ordinal END, i.n"));
  std::vector<Moment> found;
  int n = 0;
  for (std::string step; lines >> step >> n;) found.push_back({step, static_cast<Instant>(n)});
  return found;
}

bool LedgerWatch::reached(const Moment& moment) {
  const bool after = moment.instant == Instant::after;
  if (after || moment.instant == Instant::undone) {
    return observer_.exec(fmt::format(
               "SELECT count(*) FROM lockkeeper.step WHERE step_id = {} AND status = '{}'",
               literal(moment.step), after ? "done" : "undone")) != "0";
  }
  return observer_.exec(
             "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND objid = 20261122 "
             "AND classid = 0 AND NOT granted") == "t";
}

std::string LedgerWatch::irregularities() {
  return observer_.exec(
      "SELECT s.step_id || ' is ' || s.status || ', and that ' || count(w.n) || ' times' "
      "FROM lockkeeper.step s LEFT JOIN watch.written w ON (w.migration_id, w.step_id, w.status) "
      "= (s.migration_id, s.step_id, s.status) WHERE s.status <> 'pending' "
      "GROUP BY s.step_id, s.status HAVING count(w.n) <> 1 UNION ALL "
      "SELECT 'write ' || w.n || ' is of an owner that was replaced' FROM watch.written w "
      "WHERE EXISTS (SELECT FROM watch.written v WHERE v.migration_id = w.migration_id AND "
      "v.n < w.n AND v.epoch > w.epoch)");
}

}  // namespace lockkeeper::e2e
