// A database with a ledger, one migration in it and tables that carry a router as the engine makes
// it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dbcore/backfill/backfill.h"
#include "dbcore/backfill/verify.h"
#include "dbcore/execute/journal.h"
#include "tests/sql/servers.h"
#include "tests/support/private_postgres.h"

namespace lockkeeper::support {

// old int -> new bigint, up = old * 2, down = new / 2.
inline constexpr const char* router_body = R"(
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW._lk_w = 0 THEN RETURN NEW; END IF;
      IF NEW.n IS NOT NULL THEN NEW.old := (NEW.n / 2)::int; ELSE NEW.n := NEW.old::bigint * 2; END IF;
    ELSIF current_setting('lockkeeper.backfill', true) = 'repair'
       OR (OLD._lk_w IS NULL AND current_setting('lockkeeper.backfill', true) = 'on') THEN
      NEW.n := NEW.old::bigint * 2;
    ELSIF pg_catalog.record_image_ne(ROW(NEW.old), ROW(OLD.old)) THEN NEW.n := NEW.old::bigint * 2;
    ELSIF pg_catalog.record_image_ne(ROW(NEW.n), ROW(OLD.n)) THEN NEW.old := (NEW.n / 2)::int;
    ELSIF OLD._lk_w IS NULL THEN NEW.n := NEW.old::bigint * 2;
    END IF;
    NEW._lk_w := 0;
    RETURN NEW;
  END)";

class Field {
 public:
  explicit Field(PrivatePostgres& pg) : pg_(pg), database_(pg.create_database()) {
    auto session = sql::Session::connect(base::Context(), endpoint_of(pg_, database_), {}).value();
    execute::journal::install(base::Context(), session).value();
    fence_.database = database_;
    fence_.epoch = 1;
    fence_.migration_id = pg_.sql(
        database_,
        "INSERT INTO lockkeeper.migration (database_schema, name, state, format, plan, plan_sha256,"
        " operations_sha256, facts, fingerprint, system_identifier, database_oid) VALUES ('public',"
        " 'ns/m', 'running', 1, '{}', '', '', '{}', '', '', 0) RETURNING id");
    fence_.migration_id.resize(36);
    sql("CREATE FUNCTION route() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog,"
        " pg_temp AS $router$" +
        std::string(router_body) + "$router$");
  }

  [[nodiscard]] std::string ask(const std::string& text) const { return pg_.sql(database_, text); }
  void sql(const std::string& text) const { pg_.execute(database_, text); }
  // n, the marker and the router; the table has a column old int.
  void expand(const std::string& table) const {
    sql("ALTER TABLE " + table + " ADD COLUMN n bigint, ADD COLUMN _lk_w smallint");
    sql("CREATE TRIGGER \"~lk_1\" BEFORE INSERT OR UPDATE ON " + table +
        " FOR EACH ROW EXECUTE FUNCTION route()");
    sql("ALTER TABLE " + table + " ENABLE ALWAYS TRIGGER \"~lk_1\"");
  }

  [[nodiscard]] plan::Backfill fill(const std::string& name, std::vector<std::string> key) const {
    plan::Backfill backfill;
    backfill.table = relation(name);
    backfill.key = std::move(key);
    backfill.pending = "\"_lk_w\" IS NULL";
    backfill.assignments = "\"_lk_w\" = 0";
    return backfill;
  }
  [[nodiscard]] plan::Verify check(const std::string& name, std::vector<std::string> key) const {
    plan::Verify verify;
    verify.table = relation(name);
    verify.key = std::move(key);
    verify.mismatch = "n IS DISTINCT FROM old::bigint * 2";
    verify.pending = "\"_lk_w\" IS NULL";
    return verify;
  }
  [[nodiscard]] plan::Relation relation(const std::string& name) const {
    const std::string oid =
        ask("SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace AND nspname ="
            " 'public' WHERE relname = " +
            sql::Literal{name}.quoted());
    return {static_cast<std::uint32_t>(std::stoul(oid)), "public", name, false};
  }

  // Small chunks without pauses, so that a test meets many of them.
  static backfill::Tuning brisk(int shards = 1) {
    backfill::Tuning tuning;
    tuning.pause = std::chrono::milliseconds(0);
    tuning.chunk_time = std::chrono::milliseconds(40);
    tuning.shards = shards;
    return tuning;
  }
  base::Result<backfill::Progress> run(const plan::Backfill& backfill,
                                       const backfill::Tuning& tuning = brisk(),
                                       const base::Context& ctx = {},
                                       const backfill::Report& report = {}) {
    sql::Pool pool(endpoint_of(pg_, database_), {});
    return backfill::run(ctx, pool, fence_, "backfill-t", backfill, tuning, report);
  }
  base::Result<backfill::Verified> verify(const plan::Verify& verify) {
    sql::Pool pool(endpoint_of(pg_, database_), {});
    return backfill::verify({}, pool, verify, brisk(), {});
  }
  base::Result<std::int64_t> repair(const plan::Verify& verify, const plan::Backfill& backfill) {
    sql::Pool pool(endpoint_of(pg_, database_), {});
    return backfill::repair({}, pool, fence_, verify, backfill);
  }

  // Rows that are not filled, or filled wrongly.
  [[nodiscard]] std::string wrong(const std::string& table) const {
    return ask("SELECT count(*) FROM " + table +
               " WHERE _lk_w IS NULL OR n IS DISTINCT FROM old::bigint * 2");
  }

  [[nodiscard]] const std::string& database() const { return database_; }
  [[nodiscard]] PrivatePostgres& server() const { return pg_; }
  execute::Fence& fence() { return fence_; }

 private:
  PrivatePostgres& pg_;
  std::string database_;
  execute::Fence fence_;
};

}  // namespace lockkeeper::support
