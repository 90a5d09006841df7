// What hangs on tables: references, dependents, partitions, publications, views.
#include <fmt/format.h>

#include "dbcore/catalog/queries.h"

namespace lockkeeper::catalog::queries {

using sql::Fragment;

Fragment incoming_references() {
  return Fragment::trusted(R"(
SELECT k.confrelid, k.conrelid, n.nspname, c.relname, k.conname,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS x(number, n)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.number ORDER BY x.n),
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS x(number, n)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.number ORDER BY x.n)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.confrelid = ANY ($1::oid[]) AND k.contype = 'f'
  AND NOT (c.relispartition AND k.conparentid <> 0)
ORDER BY k.confrelid, n.nspname COLLATE "C", c.relname COLLATE "C", k.conname COLLATE "C")");
}

// Left out: what the Catalog models (indexes, constraints, triggers, policies, views, owned
// sequences, a column's own default, the partition key).
Fragment dependents() {
  return Fragment::trusted(R"(
SELECT DISTINCT d.refobjid, a.attnum, a.attname,
       pg_describe_object(d.classid, d.objid, d.objsubid) COLLATE "C" AS description,
       CASE d.classid
         WHEN 'pg_attrdef'::regclass THEN 'generated column'
         WHEN 'pg_rewrite'::regclass THEN 'rule'
         WHEN 'pg_statistic_ext'::regclass THEN 'statistics'
         WHEN 'pg_publication_rel'::regclass THEN 'publication'
         WHEN 'pg_proc'::regclass THEN 'function'
         WHEN 'pg_policy'::regclass THEN 'policy'
         WHEN 'pg_trigger'::regclass THEN 'trigger'
         ELSE substr(d.classid::regclass::text, 4) END
FROM pg_depend d
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
LEFT JOIN pg_class v ON v.oid = r.ev_class
LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
LEFT JOIN pg_trigger g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid
LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1::oid[]) AND d.refobjsubid > 0
  AND d.classid <> 'pg_constraint'::regclass
  AND c.relkind IS DISTINCT FROM 'i' AND c.relkind IS DISTINCT FROM 'I'
  AND (c.oid IS NULL OR c.oid <> d.refobjid)
  AND NOT (c.relkind IS NOT DISTINCT FROM 'S' AND d.deptype IN ('a', 'i'))
  AND coalesce(v.relkind NOT IN ('v', 'm'), true)
  AND (f.oid IS NULL OR (f.adrelid, f.adnum) <> (d.refobjid, d.refobjsubid))
  AND g.tgrelid IS DISTINCT FROM d.refobjid AND p.polrelid IS DISTINCT FROM d.refobjid
ORDER BY d.refobjid, a.attnum, description)");
}

Fragment statistics(int version) {
  return Fragment::trusted(fmt::format(
      R"(
SELECT s.stxrelid, n.nspname, s.stxname,
       ARRAY(SELECT CASE x.kind WHEN 'd' THEN 'ndistinct' WHEN 'f' THEN 'dependencies'
                                ELSE 'mcv' END
             FROM unnest(s.stxkind) WITH ORDINALITY AS x(kind, n)
             WHERE x.kind IN ('d', 'f', 'm') ORDER BY x.n),
       ARRAY(SELECT a.attname::text FROM unnest(s.stxkeys::int2[]) WITH ORDINALITY AS x(number, n)
             JOIN pg_attribute a ON a.attrelid = s.stxrelid AND a.attnum = x.number ORDER BY x.n),
       {}, pg_get_userbyid(s.stxowner), coalesce(obj_description(s.oid, 'pg_statistic_ext'), ''),
       coalesce(s.stxstattarget, -1)
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE s.stxrelid = ANY ($1::oid[])
ORDER BY s.stxrelid, n.nspname COLLATE "C", s.stxname COLLATE "C")",
      version >= 140000 ? "s.stxexprs IS NOT NULL" : "false"));
}

Fragment children() {
  return Fragment::trusted(R"(
WITH RECURSIVE down(root, parent, child) AS (
  SELECT i.inhparent, i.inhparent, i.inhrelid FROM pg_inherits i
  WHERE i.inhparent = ANY ($1::oid[])
  UNION ALL
  SELECT d.root, i.inhparent, i.inhrelid FROM down d JOIN pg_inherits i ON i.inhparent = d.child)
SELECT d.root, d.parent = d.root, d.child, n.nspname, c.relname,
       c.relispartition AND c.relkind <> 'p'
FROM down d
JOIN pg_class c ON c.oid = d.child
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f')
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY d.root, n.nspname COLLATE "C", c.relname COLLATE "C")");
}

Fragment publications(int version) {
  // A partition is published with any table above it.
  return Fragment::trusted(fmt::format(
      R"(
WITH RECURSIVE up(root, oid) AS (
  SELECT c.oid, c.oid FROM pg_class c WHERE c.oid = ANY ($1::oid[])
  UNION
  SELECT u.root, i.inhparent FROM up u
  JOIN pg_class c ON c.oid = u.oid AND c.relispartition
  JOIN pg_inherits i ON i.inhrelid = u.oid)
SELECT DISTINCT u.root, p.pubname COLLATE "C" AS name
FROM up u
JOIN pg_class c ON c.oid = u.oid
JOIN pg_publication p ON (
    p.puballtables AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p')
  OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = u.oid)
  {}
ORDER BY 1, 2)",
      version >= 150000 ? "OR EXISTS (SELECT FROM pg_publication_namespace s "
                          "WHERE s.pnpubid = p.oid AND s.pnnspid = c.relnamespace)"
                        : ""));
}

Fragment view_reads() {
  return Fragment::trusted(R"(
WITH RECURSIVE above(oid) AS (
  SELECT r.ev_class FROM pg_depend d
  JOIN pg_rewrite r ON r.oid = d.objid
  JOIN pg_class v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
  WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
    AND d.refobjid = ANY ($1::oid[]) AND r.ev_class <> d.refobjid
  UNION
  SELECT r.ev_class FROM above b
  JOIN pg_depend d ON d.refobjid = b.oid
  JOIN pg_rewrite r ON r.oid = d.objid
  JOIN pg_class v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
  WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
    AND r.ev_class <> d.refobjid)
SELECT DISTINCT b.oid, d.refobjid, d.refobjsubid, coalesce(a.attname::text, '')
FROM above b
JOIN pg_rewrite r ON r.ev_class = b.oid
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> b.oid
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                        AND d.refobjsubid > 0
WHERE d.refobjid = ANY ($1::oid[]) OR d.refobjid IN (SELECT oid FROM above)
ORDER BY 1, 2, 3)");
}

Fragment views() {
  return Fragment::trusted(R"(
SELECT c.oid, n.nspname, c.relname, c.relkind = 'm', pg_get_viewdef(c.oid),
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       c.reloptions, c.relacl::text[], pg_get_userbyid(c.relowner),
       obj_description(c.oid, 'pg_class'),
       ARRAY(SELECT a.attname::text FROM pg_attribute a JOIN pg_attrdef d
             ON d.adrelid = a.attrelid AND d.adnum = a.attnum
             WHERE a.attrelid = c.oid ORDER BY a.attnum),
       ARRAY(SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
             WHERE d.adrelid = c.oid ORDER BY d.adnum),
       ARRAY(SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class x
             ON x.oid = i.indexrelid WHERE i.indrelid = c.oid ORDER BY x.relname COLLATE "C"),
       ARRAY(SELECT pg_get_triggerdef(g.oid) FROM pg_trigger g
             WHERE g.tgrelid = c.oid AND NOT g.tgisinternal ORDER BY g.tgname COLLATE "C")
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY ($1::oid[]))");
}

}  // namespace lockkeeper::catalog::queries
