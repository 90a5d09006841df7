#include <fmt/format.h>

#include "dbcore/catalog/queries.h"

namespace lockkeeper::catalog::queries {
namespace {

using sql::Fragment;

// The expression where the server has it, else what stands for it.
std::string_view since(int have, int needed, std::string_view expression, std::string_view absent) {
  return have >= needed ? expression : absent;
}

constexpr int pg14 = 140000;
constexpr int pg15 = 150000;

}  // namespace

// A column that a partition key's expression reads depends on its own table.
Fragment tables(int version) {
  return Fragment::trusted(fmt::format(
      R"(
WITH RECURSIVE target AS (
  SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1::text AND c.relname = ANY ($2::text[]::name[])
    AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')),
up(oid) AS (
  SELECT i.inhparent FROM pg_inherits i JOIN target t ON t.oid = i.inhrelid
  UNION SELECT i.inhparent FROM pg_inherits i JOIN up u ON u.oid = i.inhrelid),
down(oid) AS (
  SELECT i.inhrelid FROM pg_inherits i JOIN target t ON t.oid = i.inhparent
  UNION SELECT i.inhrelid FROM pg_inherits i JOIN down d ON d.oid = i.inhparent),
tied(oid) AS (
  SELECT k.confrelid FROM pg_constraint k JOIN target t ON t.oid = k.conrelid
  WHERE k.contype = 'f'
  UNION
  SELECT k.conrelid FROM pg_constraint k JOIN target t ON t.oid = k.confrelid
  JOIN pg_class c ON c.oid = k.conrelid
  WHERE k.contype = 'f' AND NOT (c.relispartition AND k.conparentid <> 0)
  UNION SELECT oid FROM up UNION SELECT oid FROM down)
SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, pg_get_userbyid(c.relowner),
       obj_description(c.oid, 'pg_class'), c.relacl::text[], c.reloptions,
       c.relrowsecurity, c.relforcerowsecurity, c.relreplident,
       CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE c.relkind = 'p' AND a.attrelid = c.oid AND a.attnum > 0 AND (
               EXISTS (SELECT FROM pg_partitioned_table p
                       WHERE p.partrelid = c.oid AND a.attnum = ANY (p.partattrs))
               OR EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                            AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
                            AND d.refobjsubid = 0 AND d.objsubid = a.attnum))
             ORDER BY a.attnum),
       pg_get_expr(c.relpartbound, c.oid),
       ARRAY(SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno),
       {},
       CASE WHEN t.oid IS NOT NULL AND c.relkind IN ('r', 'm') THEN pg_table_size(c.oid)
            ELSE c.relpages::bigint * current_setting('block_size')::bigint END,
       CASE WHEN t.oid IS NOT NULL AND c.relkind IN ('r', 'm') THEN pg_total_relation_size(c.oid)
            ELSE c.relpages::bigint * current_setting('block_size')::bigint END,
       t.oid IS NOT NULL,
       t.oid IS NULL AND c.relispartition AND EXISTS (SELECT FROM down WHERE down.oid = c.oid)
FROM (SELECT oid FROM target UNION SELECT oid FROM tied) w
JOIN pg_class c ON c.oid = w.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN target t ON t.oid = c.oid
ORDER BY c.oid)",
      since(version, pg14, "c.reltuples",
            "CASE WHEN c.relpages = 0 AND c.reltuples = 0 THEN -1 ELSE c.reltuples END")));
}

// pg_attver is no option that anybody sets: the server keeps a number of its own there (15.20).
Fragment columns(int version) {
  return Fragment::trusted(fmt::format(
      R"(
SELECT a.attrelid, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.atttypid,
       a.atttypmod, a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated,
       s.owned,
       CASE WHEN a.attcollation <> 0 AND a.attcollation <> t.typcollation
            THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) END,
       c.description, coalesce(a.attstattarget, -1),
       CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END,
       {},
       ARRAY(SELECT o FROM unnest(a.attoptions) AS o WHERE o NOT LIKE 'pg\_attver=%'),
       a.attacl::text[]
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
LEFT JOIN pg_description c ON c.classoid = 'pg_class'::regclass AND c.objoid = a.attrelid
                          AND c.objsubid = a.attnum
LEFT JOIN LATERAL (
  SELECT quote_ident(n.nspname) || '.' || quote_ident(q.relname) AS owned
  FROM pg_depend x
  JOIN pg_class q ON q.oid = x.objid AND q.relkind = 'S'
  JOIN pg_namespace n ON n.oid = q.relnamespace
  WHERE x.classid = 'pg_class'::regclass AND x.refclassid = 'pg_class'::regclass
    AND x.refobjid = a.attrelid AND x.refobjsubid = a.attnum AND x.deptype IN ('a', 'i')
  ORDER BY x.deptype DESC, x.objid LIMIT 1) s ON true
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum)",
      since(version, pg14, "NULLIF(a.attcompression, '')", "NULL")));
}

Fragment indexes(int version) {
  return Fragment::trusted(fmt::format(
      R"(
SELECT i.indrelid, i.indexrelid, c.relname, pg_get_indexdef(i.indexrelid), m.amname,
       i.indisunique, i.indisprimary, i.indisexclusion, i.indisvalid, i.indisready,
       i.indpred IS NOT NULL, {}, i.indimmediate, i.indisreplident, i.indisclustered,
       ARRAY(SELECT coalesce(a.attname::text, '')
             FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, n)
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
                                     AND k.number <> 0
             WHERE k.n <= i.indnkeyatts ORDER BY k.n),
       ARRAY(SELECT a.attname::text
             FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, n)
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
             WHERE k.n > i.indnkeyatts ORDER BY k.n),
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = i.indrelid AND a.attnum > 0 AND (
               a.attnum = ANY (i.indkey::int2[]) OR EXISTS (
                 SELECT FROM pg_depend d
                 WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                   AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
                   AND d.refobjsubid = a.attnum))
             ORDER BY a.attnum),
       (SELECT k.conname FROM pg_constraint k
        WHERE k.conrelid = i.indrelid AND k.conindid = i.indexrelid
          AND k.contype IN ('p', 'u', 'x')),
       obj_description(i.indexrelid, 'pg_class'), s.spcname,
       (SELECT h.inhparent FROM pg_inherits h WHERE h.inhrelid = i.indexrelid),
       CASE WHEN c.relkind = 'i' THEN pg_relation_size(i.indexrelid) ELSE 0 END
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am m ON m.oid = c.relam
LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
WHERE i.indrelid = ANY ($1::oid[]) AND i.indislive
ORDER BY i.indrelid, c.relname COLLATE "C")",
      since(version, pg15, "i.indnullsnotdistinct", "false")));
}

// A NOT NULL of PostgreSQL 18 has a row here too; the column says it.
Fragment constraints() {
  return Fragment::trusted(R"(
SELECT k.conrelid, k.oid, k.conname, k.contype, pg_get_constraintdef(k.oid),
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS c(number, n)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.number ORDER BY c.n),
       k.convalidated, k.condeferrable, k.condeferred, k.connoinherit, k.conislocal,
       CASE WHEN k.contype IN ('p', 'u', 'x') THEN i.relname END,
       k.confrelid, fn.nspname, f.relname,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS c(number, n)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = c.number ORDER BY c.n),
       obj_description(k.oid, 'pg_constraint'), k.conparentid
FROM pg_constraint k
LEFT JOIN pg_class i ON i.oid = k.conindid
LEFT JOIN pg_class f ON f.oid = k.confrelid
LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
WHERE k.conrelid = ANY ($1::oid[]) AND k.contype IN ('c', 'f', 'p', 'u', 'x', 't')
ORDER BY k.conrelid, k.conname COLLATE "C", k.oid)");
}

Fragment triggers() {
  return Fragment::trusted(R"(
SELECT g.tgrelid, g.tgname, pg_get_triggerdef(g.oid), n.nspname || '.' || p.proname, g.tgtype,
       ARRAY(SELECT a.attname::text FROM unnest(g.tgattr::int2[]) WITH ORDINALITY AS c(number, n)
             JOIN pg_attribute a ON a.attrelid = g.tgrelid AND a.attnum = c.number ORDER BY c.n),
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = g.tgrelid AND EXISTS (
               SELECT FROM pg_depend d
               WHERE d.classid = 'pg_trigger'::regclass AND d.objid = g.oid
                 AND d.refclassid = 'pg_class'::regclass AND d.refobjid = g.tgrelid
                 AND d.refobjsubid = a.attnum)
             ORDER BY a.attnum),
       g.tgenabled, g.tgconstraint <> 0, g.tgparentid
FROM pg_trigger g
JOIN pg_proc p ON p.oid = g.tgfoid
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE g.tgrelid = ANY ($1::oid[]) AND NOT g.tgisinternal
ORDER BY g.tgrelid, g.tgname COLLATE "C")");
}

Fragment policies() {
  return Fragment::trusted(R"(
SELECT p.polrelid, p.polname,
       'AS ' || CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END
       || ' FOR ' || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
                       WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END
       || ' TO ' || (
         SELECT string_agg(CASE WHEN o = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END,
                           ', ' ORDER BY o = 0, pg_get_userbyid(o) COLLATE "C")
         FROM unnest(p.polroles) AS o)
       || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
       || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''),
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = p.polrelid AND EXISTS (
               SELECT FROM pg_depend d
               WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid
                 AND d.refclassid = 'pg_class'::regclass AND d.refobjid = p.polrelid
                 AND d.refobjsubid = a.attnum)
             ORDER BY a.attnum)
FROM pg_policy p
WHERE p.polrelid = ANY ($1::oid[])
ORDER BY p.polrelid, p.polname COLLATE "C")");
}

}  // namespace lockkeeper::catalog::queries
