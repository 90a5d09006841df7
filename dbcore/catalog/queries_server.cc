#include "dbcore/catalog/queries.h"

namespace lockkeeper::catalog::queries {

using sql::Fragment;

Fragment settings() {
  return Fragment::trusted(
      "SELECT pg_catalog.set_config('jit', 'off', true), "
      "pg_catalog.set_config('search_path', '', true)");
}

// A role's or a database's own TimeZone counts; what a client sets for itself cannot be seen. When
// our own setting does not come from the configuration or the database, that of others is unknown.
Fragment server() {
  return Fragment::trusted(R"(
SELECT current_setting('server_version_num'), d.datname, d.oid,
       has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE'),
       pg_is_in_recovery(), r.rolname, r.rolsuper, r.rolbypassrls,
       has_database_privilege(d.oid, 'CREATE'),
       pg_has_role(r.oid, 'pg_read_all_stats', 'USAGE'),
       current_setting('max_connections'), s.deadlock_ms,
       s.zone_known AND upper(s.zone) = ANY (z.utc) AND NOT EXISTS (
         SELECT FROM pg_db_role_setting o, unnest(o.setconfig) AS one
         WHERE o.setdatabase IN (0, d.oid) AND one ILIKE 'timezone=%'
           AND upper(substr(one, 10)) <> ALL (z.utc))
FROM pg_database d
JOIN pg_roles r ON r.rolname = current_user
CROSS JOIN (
  SELECT max(setting) FILTER (WHERE name = 'deadlock_timeout') AS deadlock_ms,
         max(reset_val) FILTER (WHERE name = 'TimeZone') AS zone,
         bool_or(source IN ('default', 'configuration file', 'command line', 'database',
                            'environment variable')) FILTER (WHERE name = 'TimeZone') AS zone_known
  FROM pg_settings WHERE name IN ('deadlock_timeout', 'TimeZone')) s
CROSS JOIN (
  SELECT ARRAY['UTC', 'UCT', 'GMT', 'GMT0', 'GMT+0', 'GMT-0', 'ZULU', 'UNIVERSAL', 'GREENWICH',
               'ETC/UTC', 'ETC/UCT', 'ETC/GMT', 'ETC/GMT0', 'ETC/GMT+0', 'ETC/GMT-0', 'ETC/ZULU',
               'ETC/UNIVERSAL', 'ETC/GREENWICH'] AS utc) z
WHERE d.datname = current_database())");
}

Fragment system_identifier() {
  return Fragment::trusted("SELECT system_identifier FROM pg_catalog.pg_control_system()");
}

Fragment activity() {
  return Fragment::trusted(R"(
SELECT coalesce(state, 'hidden'), count(*),
       coalesce(max(extract(epoch FROM clock_timestamp() - xact_start))::bigint, 0),
       count(*) FILTER (WHERE state = 'active' AND clock_timestamp() - query_start > '30 s')
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND coalesce(backend_type, 'client backend') = 'client backend'
GROUP BY 1 ORDER BY 1)");
}

Fragment schema_exists() {
  return Fragment::trusted("SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1::text");
}

Fragment relation_names() {
  return Fragment::trusted(R"(
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1::text AND c.relname = ANY ($2::text[]::name[])
ORDER BY c.relname COLLATE "C")");
}

Fragment functions() {
  return Fragment::trusted(R"(
SELECT asked, min(n.nspname), min(p.proname),
       CASE WHEN bool_or(p.provolatile = 'v') THEN 'v' WHEN bool_or(p.provolatile = 's') THEN 's'
            ELSE 'i' END,
       CASE WHEN bool_or(p.prokind = 'a') THEN 'a' WHEN bool_or(p.prokind = 'w') THEN 'w'
            WHEN bool_or(p.prokind = 'p') THEN 'p' ELSE 'f' END
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN unnest($1::text[]) AS asked
  ON asked = n.nspname || '.' || p.proname OR (n.nspname = 'pg_catalog' AND asked = p.proname)
GROUP BY asked)");
}

Fragment known_types() {
  return Fragment::trusted(
      "SELECT asked, to_regtype(asked)::oid FROM unnest($1::text[]) AS asked "
      "WHERE to_regtype(asked) IS NOT NULL");
}

Fragment types() {
  return Fragment::trusted(R"(
SELECT format_type(t.oid, NULLIF(w.modifier, -1)), t.typcategory, t.typtype,
       t.typtype = 'd' AND EXISTS (
         WITH RECURSIVE base AS (
           SELECT t.oid, t.typnotnull, t.typbasetype, t.typtype
           UNION ALL
           SELECT b.oid, b.typnotnull, b.typbasetype, b.typtype
           FROM base JOIN pg_type b ON b.oid = base.typbasetype WHERE base.typtype = 'd')
         SELECT FROM base WHERE base.typtype = 'd' AND (base.typnotnull OR EXISTS (
           SELECT FROM pg_constraint k WHERE k.contypid = base.oid AND k.contype = 'c'))),
       t.typcollation <> 0,
       CASE WHEN t.typcategory = 'A' AND t.typelem <> 0
            THEN format_type(t.typelem, NULLIF(w.modifier, -1)) ELSE '' END,
       e.equal
FROM unnest($1::oid[], $2::int[]) WITH ORDINALITY AS w(oid, modifier, n)
JOIN pg_type t ON t.oid = w.oid
CROSS JOIN LATERAL (
  -- Arrays, enums, ranges and composites compare by a polymorphic class if their parts can.
  WITH RECURSIVE part(oid) AS (
    SELECT t.oid
    UNION
    SELECT u.oid FROM part
    JOIN pg_type p ON p.oid = part.oid
    CROSS JOIN LATERAL (
      SELECT p.typbasetype AS oid WHERE p.typtype = 'd'
      UNION ALL SELECT p.typelem WHERE p.typcategory = 'A' AND p.typelem <> 0
      UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = p.oid
      UNION ALL SELECT a.atttypid FROM pg_attribute a
                WHERE p.typtype = 'c' AND a.attrelid = p.typrelid AND a.attnum > 0
                  AND NOT a.attisdropped) u)
  SELECT bool_and(
      p.typtype IN ('d', 'e', 'r', 'm', 'c') OR (p.typcategory = 'A' AND p.typelem <> 0)
      OR EXISTS (
        SELECT FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod
        WHERE o.opcdefault AND m.amname IN ('btree', 'hash')
          AND (o.opcintype = p.oid OR EXISTS (
            SELECT FROM pg_cast x
            WHERE x.castsource = p.oid AND x.casttarget = o.opcintype AND x.castmethod = 'b'
              AND x.castcontext = 'i')))) AS equal
  FROM part JOIN pg_type p ON p.oid = part.oid) e
ORDER BY w.n)");
}

Fragment type_search_path(const sql::Identifier& schema) {
  return sql::format("SET LOCAL search_path = pg_catalog, {}, pg_temp", schema);
}

Fragment type_modifiers(std::span<const std::string> checked_texts) {
  std::string text = "SELECT ";
  for (std::size_t i = 0; i < checked_texts.size(); ++i) {
    if (i > 0) text += ", ";
    text += "CAST(NULL AS " + checked_texts[i] + ")";
  }
  return Fragment::trusted(text + " LIMIT 0");
}

}  // namespace lockkeeper::catalog::queries
