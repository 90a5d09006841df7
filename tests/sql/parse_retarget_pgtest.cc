// What retarget() prints, judged by the server: every definition of a zoo is made again under
// another name on a twin column, and must come out as the original with the names exchanged.
#include <gtest/gtest.h>

#include "dbcore/sql/parse.h"
#include "tests/support/private_postgres.h"

namespace lockkeeper::sql::parse {
namespace {

using support::PrivatePostgres;

constexpr const char* zoo = R"(
CREATE EXTENSION btree_gist; CREATE EXTENSION pg_trgm; CREATE EXTENSION citext;
CREATE SCHEMA "we""ird s";
SET search_path = "we""ird s", public;
CREATE TYPE "Mo'od" AS ENUM ('ok', 'b''ad');
CREATE TYPE addr AS (street text, "Zip" int);
CREATE FUNCTION "Fn x"(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'select $1';
CREATE TABLE "T 1" (id bigint PRIMARY KEY, "select" text, "Mixed" text COLLATE "C", "naïve ☃" int,
  "q""uote" numeric(12,2), a int, b int, c text, d timestamptz, e timestamp, f jsonb, g int[],
  h daterange, i inet, k bool, m "Mo'od", n addr, o interval, p varchar(20), q char(5), r citext,
  s xml, t tsvector, u uuid, w bit(4), x varbit(8), y point, "user" text, "end" int, "offset" int,
  "new" int, "time" time, timetz timetz(3), l double precision, "a.b" int, "'" int, "\" text,
  twin int, "Twin ""2" text);
CREATE INDEX i1 ON "T 1" (a);
CREATE INDEX "I ""2" ON "T 1" (a DESC, b ASC NULLS FIRST, "select" COLLATE "C" text_pattern_ops DESC
  NULLS LAST) INCLUDE ("naïve ☃", "Mixed", a) WITH (fillfactor = 70, deduplicate_items = off)
  WHERE a > 0 AND "Mixed" IS NOT NULL;
CREATE UNIQUE INDEX i3 ON "T 1" (lower(c), ("q""uote" * 2), (a + b)) NULLS NOT DISTINCT;
CREATE INDEX i4 ON "T 1" USING gin (f jsonb_path_ops) WITH (fastupdate = off);
CREATE INDEX i5 ON "T 1" USING gin (c gin_trgm_ops);
CREATE INDEX i6 ON "T 1" USING gist (h, i inet_ops, a);
CREATE INDEX i7 ON "T 1" USING gist (t tsvector_ops (siglen = '100'));
CREATE INDEX i8 ON "T 1" USING brin (d) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX i9 ON "T 1" USING hash (u);
CREATE INDEX i10 ON "T 1" ((f->>'a'), (f #>> '{a,b}'), ((f->'x'->>'y')::int));
CREATE INDEX i11 ON "T 1" ((CASE WHEN a > 1 THEN 'x' WHEN a = 2 THEN 'it''s' ELSE NULL END));
CREATE INDEX i12 ON "T 1" ((d AT TIME ZONE 'UTC'), date_trunc('day', e), (extract(epoch from e)));
CREATE INDEX i13 ON "T 1" (COALESCE(c, 'a\b'), ("Fn x"("Mixed")), (c COLLATE "POSIX"));
CREATE INDEX i14 ON "T 1" ((g[1]), ((n).street), ((n)."Zip"), ((ARRAY[a, b])[1])) WHERE g @> ARRAY[1, 2];
CREATE INDEX i15 ON "T 1" (a) WHERE m = ANY (ARRAY['ok'::"Mo'od", 'b''ad']);
CREATE INDEX i16 ON "T 1" (a) WHERE c LIKE 'x%' AND NOT (b BETWEEN 1 AND 3) OR (a, b) > (1, 2)
  AND k IS NOT TRUE AND c ~ '^[a-z]\d+$';
CREATE INDEX i17 ON "T 1" (a) WHERE a IN (1, 2, 3) AND c NOT IN ('a', 'b') AND a IS DISTINCT FROM b
  AND (k OR NOT k) AND -a < - 5 AND a % 2 = 0 AND (a # b) = 1;
CREATE INDEX i18 ON "T 1" (p varchar_pattern_ops, q bpchar_pattern_ops, (p::text), (a::numeric(10,2)),
  (c::varchar(10)), (l::real), ("char"(c)));
CREATE INDEX i19 ON "T 1" ((w & B'1010'), (o + interval '1 day 2 hours'), (e::date), (NULLIF(a, b)),
  (GREATEST(a, b)), (ROW(a, b) IS NULL));
CREATE INDEX i20 ON "T 1" ("select", "user", "end", "offset", "new", "time", "a.b", "'", "\", a);
CREATE INDEX i21 ON "T 1" (a) WHERE "time" > '10:00'::time AND timetz > '10:00+01'::timetz(3)
  AND x = B'1'::varbit(8) AND c SIMILAR TO 'a%' AND c ILIKE 'q_';
CREATE INDEX i22 ON "T 1" (overlay(c placing 'x' from 1 for 2), (substring(c from 2 for 3)),
  (trim(both 'x' from c)), (position('a' in c)), (c || E'tab\t'), (a - (b - 1)), ((a - b) - 1),
  (a - -1), (2 ^ a), (@ a), (a::bigint << 2));
CREATE INDEX i23 ON "T 1" ((h && daterange('2020-01-01', '2021-01-01', '[)')), (a OPERATOR(pg_catalog.+) b),
  (e::timestamp(3)), (r = 'x'::citext), (r::text), (make_interval(days => a)));
CREATE INDEX i24 ON "T 1" ((s IS DOCUMENT), (c IS NORMALIZED), normalize(c, NFD), (n IS NULL),
  (a <> ALL (g)), (jsonb_path_exists(f, '$.a[*] ? (@ > 1)')), ((a > 0) = (b > 0)), ((a = b) IS TRUE),
  (NOT (a = b AND b = 1)));
CREATE INDEX i25 ON "T 1" ((g[1:2]), (array_length(g, 1)), (g || 1), (num_nonnulls(VARIADIC ARRAY[a, b])));
CREATE INDEX ON "T 1" (c) TABLESPACE pg_default;
CREATE TABLE other (a int, b text, UNIQUE (a), UNIQUE (a, b));
ALTER TABLE "T 1"
  ADD CONSTRAINT "fk ""1" FOREIGN KEY (a) REFERENCES other (a) ON DELETE CASCADE ON UPDATE SET NULL,
  ADD CONSTRAINT fk2 FOREIGN KEY (a, c) REFERENCES other (a, b) MATCH FULL DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT fk3 FOREIGN KEY (a, c) REFERENCES other (a, b) ON DELETE SET NULL (c) DEFERRABLE,
  ADD CONSTRAINT fk4 FOREIGN KEY (a, c) REFERENCES other (a, b) ON DELETE SET DEFAULT (a, c) NOT VALID,
  ADD CONSTRAINT u1 UNIQUE (a, c),
  ADD CONSTRAINT u2 UNIQUE NULLS NOT DISTINCT (b, a) INCLUDE (c) WITH (fillfactor = 80) DEFERRABLE,
  ADD CONSTRAINT ex1 EXCLUDE USING gist (h WITH &&),
  ADD CONSTRAINT ex2 EXCLUDE USING gist (a WITH =, h WITH &&) WHERE (a > 0 AND c <> 'it''s') DEFERRABLE,
  ADD CONSTRAINT ex3 EXCLUDE USING btree ((lower(c)) COLLATE "C" text_pattern_ops DESC NULLS LAST WITH =),
  ADD CONSTRAINT ck1 CHECK (c ~ '^\d{3}$' AND a > 0 OR b IS NULL) NO INHERIT,
  ADD CONSTRAINT ck2 CHECK ((a, b) IS DISTINCT FROM (1, 2)),
  ADD CONSTRAINT ck3 CHECK (CASE WHEN a = 1 THEN true ELSE (c IS NOT NULL) = true END),
  ADD CONSTRAINT ck4 CHECK (c = ANY (ARRAY['a', 'b''c', 'd\e'])),
  ADD CONSTRAINT ck5 CHECK (length(c) <= 10 AND num_nonnulls(a, b) = 1),
  ADD CONSTRAINT ck6 CHECK (c::varchar(3) = 'x'::bpchar),
  ADD CONSTRAINT ck7 CHECK (a = 1.50 AND a <> -2 AND a > '-3'::integer),
  ADD CONSTRAINT ck8 CHECK (d > '2020-01-01'::date + interval '1 mon'),
  ADD CONSTRAINT ck9 CHECK (a IN (1, 2) IS NOT UNKNOWN),
  ADD CONSTRAINT ck10 CHECK (xmlexists('//a' PASSING BY REF s)),
  ADD CONSTRAINT ck11 CHECK (c SIMILAR TO '(a|b)%' ESCAPE '#' AND c LIKE 'a#%' ESCAPE '#'),
  ADD CONSTRAINT ck12 CHECK (c COLLATE "C" > 'a' COLLATE "C" AND c NOT LIKE 'x' AND c !~~* 'q'),
  ADD CONSTRAINT ck13 CHECK (d BETWEEN SYMMETRIC '2020-01-01' AND '2030-01-01'),
  ADD CONSTRAINT ck14 CHECK ((d, d) OVERLAPS ('2020-01-01'::timestamptz, '2030-01-01'::timestamptz)),
  ADD CONSTRAINT ck15 CHECK (current_user <> c AND session_user <> 'y' AND d < current_date
    AND now() > current_timestamp(3) - interval '1' day AND interval '1-2' year to month > o),
  ADD CONSTRAINT ck16 CHECK ((a + 1) * 2 - (a - (1 - a)) > 0 AND (- a) < 2 AND (a = 1) = true),
  ADD CONSTRAINT ck17 CHECK (a = ANY ('{1,2}'::int[])),
  ADD CONSTRAINT ck18 CHECK (a > 0);
RESET search_path;
)";

class RetargetOnServerTest : public ::testing::Test {
 protected:
  PrivatePostgres& pg_ = PrivatePostgres::shared();
  std::string database_ = pg_.create_database();

  void SetUp() override { pg_.execute(database_, zoo); }

  // Names and definitions, split at a byte that no definition holds.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> pairs(const std::string& query) {
    std::vector<std::pair<std::string, std::string>> result;
    std::string rest = pg_.sql(database_, "SET search_path = ''; " + query);
    const std::string end = "\x02";
    const std::string middle = "\x01";
    for (std::size_t at = rest.find(end); at != std::string::npos; at = rest.find(end)) {
      std::string one = rest.substr(0, at);
      rest.erase(0, at + 1);
      while (!one.empty() && one.front() == '\n') one.erase(0, 1);
      const auto cut = one.find(middle);
      result.emplace_back(one.substr(0, cut), one.substr(cut + 1));
    }
    return result;
  }

  // Runs it in a transaction that is undone, and gives what the query says then.
  [[nodiscard]] std::string tried(const std::string& ddl, const std::string& query) {
    return pg_.sql(database_,
                   "BEGIN; SET LOCAL search_path = ''; " + ddl + "; " + query + "; ROLLBACK");
  }
};

std::string quote_literal(const std::string& text) {
  return Literal{text}.quoted();
}

// The text with the name of column a exchanged by the server's own hand: rename the column itself.
std::string with_renamed_columns(const std::string& ddl) {
  return "ALTER TABLE \"we\"\"ird s\".\"T 1\" RENAME COLUMN a TO \"A \"\"new\"; "
         "ALTER TABLE \"we\"\"ird s\".\"T 1\" RENAME COLUMN c TO \"ç\"" +
         (ddl.empty() ? std::string() : "; " + ddl);
}

const Retarget change{.name = "new \"name", .columns = {{"a", "A \"new"}, {"c", "ç"}}};

TEST_F(RetargetOnServerTest, IndexesComeOutAsTheServerItselfRenamesThem) {
  const auto all = pairs(
      "SELECT c.relname || E'\\x01' || pg_get_indexdef(c.oid) || E'\\x02' FROM pg_class c "
      "JOIN pg_index i ON i.indexrelid = c.oid WHERE i.indrelid = '\"we\"\"ird s\".\"T "
      "1\"'::regclass "
      "ORDER BY 1");
  ASSERT_GE(all.size(), 28U);
  for (const auto& [name, definition] : all) {
    const auto made = retarget(definition, change);
    ASSERT_TRUE(made.ok()) << definition << "\n" << made.error().text();
    const std::string index =
        "(SELECT c.oid FROM pg_class c JOIN pg_namespace n ON "
        "n.oid = c.relnamespace WHERE nspname = 'we\"ird s' AND relname = ";
    // The server renames columns in its own definition; only the index's name is exchanged by us.
    const std::string expected = tried(
        with_renamed_columns("ALTER INDEX \"we\"\"ird s\"." + Identifier::trusted(name).quoted() +
                             " RENAME TO \"new \"\"name\""),
        "SELECT pg_get_indexdef(" + index + quote_literal("new \"name") + "))");
    const std::string found =
        tried(with_renamed_columns(made->text()),
              "SELECT pg_get_indexdef(" + index + quote_literal("new \"name") + "))");
    EXPECT_NE(expected.find("new \"\"name"), std::string::npos) << expected;
    EXPECT_EQ(found, expected) << made->text();
  }
}

TEST_F(RetargetOnServerTest, ConstraintsComeOutAsTheServerItselfRenamesThem) {
  const auto all = pairs(
      "SELECT conname || E'\\x01' || pg_get_constraintdef(oid) || E'\\x02' FROM pg_constraint "
      "WHERE conrelid = '\"we\"\"ird s\".\"T 1\"'::regclass AND contype <> 'p' ORDER BY 1");
  ASSERT_GE(all.size(), 26U);
  for (const auto& [name, definition] : all) {
    const std::string table = "ALTER TABLE \"we\"\"ird s\".\"T 1\" ";
    const auto made = retarget(
        table + "ADD CONSTRAINT " + Identifier::trusted(name).quoted() + " " + definition, change);
    ASSERT_TRUE(made.ok()) << definition << "\n" << made.error().text();
    const std::string ask = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = " +
                            quote_literal("new \"name");
    const std::string expected =
        tried(with_renamed_columns(table + "RENAME CONSTRAINT " +
                                   Identifier::trusted(name).quoted() + " TO \"new \"\"name\""),
              ask);
    EXPECT_NE(expected, "") << made->text();
    EXPECT_EQ(tried(with_renamed_columns(made->text()), ask), expected) << made->text();
  }
}

}  // namespace
}  // namespace lockkeeper::sql::parse
