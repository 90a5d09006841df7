#include "dbcore/execute/ledger_steps.h"

#include <array>

namespace lockkeeper::execute::journal {
namespace {

constexpr std::string_view version_table = R"(
CREATE TABLE lockkeeper.version (
  version int PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT pg_catalog.now()
))";

constexpr std::string_view migration_table = R"(
CREATE TABLE lockkeeper.migration (
  id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
  database_schema text NOT NULL,
  name text NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'ready', 'contracting', 'completed',
                                       'rolling_back', 'rolled_back')),
  orphaned boolean NOT NULL DEFAULT false,
  epoch bigint NOT NULL DEFAULT 1,
  owner text NOT NULL DEFAULT '',
  format int NOT NULL,
  plan jsonb NOT NULL,
  plan_sha256 text NOT NULL,
  operations_sha256 text NOT NULL,
  approval_sha256 text NOT NULL DEFAULT '',
  facts text[] NOT NULL,
  fingerprint text NOT NULL,
  signature text NOT NULL DEFAULT '',
  facts_signature text NOT NULL DEFAULT '',
  system_identifier text NOT NULL,
  database_oid oid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  state_since timestamptz NOT NULL DEFAULT pg_catalog.now()
))";

// A name that was rolled back may be used again; every other record of it is the one.
constexpr std::string_view migration_identity = R"(
CREATE UNIQUE INDEX migration_identity ON lockkeeper.migration (database_schema, name)
  WHERE state <> 'rolled_back')";

constexpr std::string_view step_table = R"(
CREATE TABLE lockkeeper.step (
  migration_id uuid NOT NULL REFERENCES lockkeeper.migration ON DELETE CASCADE,
  step_id text NOT NULL,
  ordinal int NOT NULL,
  phase text NOT NULL,
  status text NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'running', 'done', 'failed', 'undone')),
  attempts int NOT NULL DEFAULT 0,
  undo_actions int NOT NULL DEFAULT 0,
  started_at timestamptz,
  finished_at timestamptz,
  last_error text NOT NULL DEFAULT '',
  PRIMARY KEY (migration_id, step_id)
))";

constexpr std::string_view backfill_table = R"(
CREATE TABLE lockkeeper.backfill (
  migration_id uuid NOT NULL REFERENCES lockkeeper.migration ON DELETE CASCADE,
  step_id text NOT NULL,
  relid oid NOT NULL,
  shard int NOT NULL,
  lo jsonb,
  hi jsonb,
  cursor jsonb,
  rows_done bigint NOT NULL DEFAULT 0,
  rows_est bigint NOT NULL DEFAULT -1,
  chunk_rows int NOT NULL DEFAULT 0,
  status text NOT NULL DEFAULT 'running',
  updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  PRIMARY KEY (migration_id, step_id, relid, shard)
))";

constexpr std::string_view claim_table = R"(
CREATE TABLE lockkeeper.claim (
  relid oid PRIMARY KEY,
  migration_id uuid NOT NULL REFERENCES lockkeeper.migration ON DELETE CASCADE
))";

constexpr std::string_view claim_index = R"(
CREATE INDEX claim_migration ON lockkeeper.claim (migration_id))";

constexpr std::string_view event_table = R"(
CREATE TABLE lockkeeper.event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  migration_id uuid NOT NULL REFERENCES lockkeeper.migration ON DELETE CASCADE,
  at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  kind text NOT NULL,
  detail text NOT NULL DEFAULT ''
))";

constexpr std::string_view event_index = R"(
CREATE INDEX event_migration ON lockkeeper.event (migration_id, id))";

// Ends the transaction that it is part of unless `ok`: lets a whole step travel in one round trip,
// its conditions judged by the server.
constexpr std::string_view require_function = R"(
CREATE FUNCTION lockkeeper.require(ok boolean, state text, message text)
RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
  IF ok IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message;
  END IF;
END
$function$)";

// Changes whenever something of these tables, or of what is tied to them, is altered; costs a
// fraction of reading the facts. Statistics, sizes and file nodes do not count.
constexpr std::string_view signature_function = R"(
CREATE FUNCTION lockkeeper.signature(tables oid[])
RETURNS text LANGUAGE plpgsql STABLE AS $function$
DECLARE
  tied oid[];
  near oid[];
  digest text;
BEGIN
  WITH RECURSIVE rel(oid) AS (
    SELECT pg_catalog.unnest(tables)
    UNION
    SELECT more.oid FROM rel, LATERAL (
      SELECT r.ev_class AS oid FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
       WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = rel.oid
         AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
      UNION ALL
      SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = rel.oid) more
  )
  SELECT pg_catalog.array_agg(rel.oid) INTO tied FROM rel;
  SELECT tied || pg_catalog.array_agg(o) INTO near FROM (
    SELECT c.confrelid FROM pg_catalog.pg_constraint c
     WHERE c.conrelid = ANY (tied) AND c.confrelid <> 0
    UNION SELECT c.conrelid FROM pg_catalog.pg_constraint c WHERE c.confrelid = ANY (tied)
    UNION SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = ANY (tied)) x(o);
  SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
           pg_catalog.string_agg(line, ' ' ORDER BY line), 'UTF8')), 'hex') INTO digest
  FROM (
    SELECT pg_catalog.format('c %s %s %s %s %s %s %s %s %s %s', c.oid, c.relname, c.relnamespace,
             c.relowner, c.relkind, c.reloptions, c.relrowsecurity, c.relforcerowsecurity,
             c.relreplident, c.relacl)
      FROM pg_catalog.pg_class c WHERE c.oid = ANY (near)
    UNION ALL SELECT pg_catalog.format('a %s %s %s', attrelid, attnum, xmin)
      FROM pg_catalog.pg_attribute WHERE attrelid = ANY (near) AND attnum > 0
    UNION ALL SELECT pg_catalog.format('d %s %s %s', adrelid, adnum, xmin)
      FROM pg_catalog.pg_attrdef WHERE adrelid = ANY (tied)
    UNION ALL SELECT pg_catalog.format('k %s %s', oid, xmin)
      FROM pg_catalog.pg_constraint WHERE conrelid = ANY (tied)
    UNION ALL SELECT pg_catalog.format('f %s %s', oid, xmin)
      FROM pg_catalog.pg_constraint WHERE confrelid = ANY (tied)
    UNION ALL SELECT pg_catalog.format('i %s %s %s %s %s', x.indexrelid, x.xmin, c.relname,
             c.reloptions, c.reltablespace)
      FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
     WHERE x.indrelid = ANY (tied)
    UNION ALL SELECT pg_catalog.format('t %s %s %s', t.oid, t.xmin, p.xmin)
      FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
     WHERE t.tgrelid = ANY (tied)
    UNION ALL SELECT pg_catalog.format('p %s %s', oid, xmin)
      FROM pg_catalog.pg_policy WHERE polrelid = ANY (tied)
    UNION ALL SELECT pg_catalog.format('r %s %s', oid, xmin)
      FROM pg_catalog.pg_rewrite WHERE ev_class = ANY (tied)
    UNION ALL SELECT pg_catalog.format('m %s %s %s', objoid, objsubid, xmin)
      FROM pg_catalog.pg_description
     WHERE classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND objoid = ANY (tied)
  ) lines(line);
  RETURN coalesce(digest, '');
END
$function$)";

constexpr std::array<std::string_view, 10> first_form = {
    version_table, migration_table, migration_identity, step_table,  backfill_table,
    claim_table,   claim_index,     event_table,        event_index, require_function};
constexpr std::array<std::string_view, 1> second_form = {signature_function};

constexpr std::array<std::span<const std::string_view>, 2> all_steps = {first_form, second_form};

}  // namespace

std::span<const std::span<const std::string_view>> ledger_steps() {
  return all_steps;
}

}  // namespace lockkeeper::execute::journal
