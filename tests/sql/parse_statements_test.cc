#include <gtest/gtest.h>

#include "dbcore/sql/parse.h"

namespace lockkeeper::sql::parse {
namespace {

std::vector<ParsedStatement> read(std::string_view script) {
  auto result = statements(script);
  EXPECT_TRUE(result.ok()) << script << ": " << (result.ok() ? "" : result.error().text());
  return result.ok() ? std::move(result).value() : std::vector<ParsedStatement>{};
}

ParsedStatement one(std::string_view script) {
  auto found = read(script);
  EXPECT_EQ(found.size(), 1U) << script;
  return found.empty() ? ParsedStatement{} : found.front();
}

TEST(StatementsTest, SplitsAtSemicolonsThatEndStatements) {
  const auto found = read(
      "-- first; not yet\nSELECT ';' ; ;;\n"
      "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $body$ BEGIN RETURN 1; END $body$;\n"
      "CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;\n"
      "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2);\n"
      "/* ; */ SELECT \"a;b\" -- the end;");
  ASSERT_EQ(found.size(), 5U);
  EXPECT_EQ(found[0].text.text(), "SELECT ';'");
  EXPECT_EQ(
      found[1].text.text(),
      "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $body$ BEGIN RETURN 1; END $body$");
  EXPECT_EQ(found[2].text.text(),
            "CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END");
  EXPECT_EQ(found[3].text.text(), "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2)");
  EXPECT_EQ(found[4].text.text(), "SELECT \"a;b\"");
}

TEST(StatementsTest, EmptyScriptsHoldNone) {
  EXPECT_TRUE(read("").empty());
  EXPECT_TRUE(read(" ;; -- nothing\n;").empty());
}

struct KindCase {
  const char* text;
  StatementKind kind;
};

TEST(StatementsTest, EveryKindIsToldFromTheTree) {
  using K = StatementKind;
  const KindCase cases[] = {
      {"SELECT 1", K::select},
      {"VALUES (1)", K::select},
      {"TABLE t", K::select},
      {"WITH x AS (DELETE FROM t RETURNING 1) SELECT * FROM x", K::select},
      {"SELECT 1 INTO t", K::create_table},
      {"INSERT INTO t VALUES (1)", K::insert},
      {"UPDATE t SET a = 1", K::update},
      {"DELETE FROM t", K::delete_},
      {"MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE", K::merge},
      {"COPY t FROM STDIN", K::copy},
      {"TRUNCATE t", K::truncate},
      {"CREATE TABLE t (a int)", K::create_table},
      {"CREATE TABLE t AS SELECT 1", K::create_table},
      {"ALTER TABLE t ADD COLUMN a int", K::alter_table},
      {"ALTER TABLE t RENAME COLUMN a TO b", K::alter_table},
      {"ALTER TABLE t RENAME TO u", K::alter_table},
      {"DROP TABLE t", K::drop_table},
      {"CREATE INDEX i ON t (a)", K::create_index},
      {"DROP INDEX i", K::drop_index},
      {"REINDEX TABLE t", K::reindex},
      {"CREATE VIEW v AS SELECT 1", K::create_view},
      {"CREATE MATERIALIZED VIEW v AS SELECT 1", K::create_view},
      {"DROP MATERIALIZED VIEW v", K::drop_view},
      {"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'", K::create_function},
      {"CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION f()", K::create_trigger},
      {"CREATE TYPE e AS ENUM ('a')", K::create_type},
      {"CREATE TYPE e AS (a int)", K::create_type},
      {"CREATE DOMAIN d AS int", K::create_type},
      {"ALTER TYPE e ADD VALUE 'b'", K::alter_type},
      {"ALTER TYPE e RENAME TO f", K::alter_type},
      {"CREATE SEQUENCE s", K::create_sequence},
      {"COMMENT ON TABLE t IS 'x'", K::comment},
      {"GRANT SELECT ON t TO r", K::grant},
      {"REVOKE SELECT ON t FROM r", K::grant},
      {"COMMIT", K::transaction_control},
      {"SAVEPOINT s", K::transaction_control},
      {"SET search_path = x", K::set},
      {"VACUUM t", K::vacuum},
      {"ANALYZE t", K::analyze},
      {"CLUSTER t USING i", K::cluster},
      {"REFRESH MATERIALIZED VIEW v", K::refresh_matview},
      {"DO 'begin end'", K::do_block},
      {"CREATE EXTENSION x", K::create_extension},
      {"CREATE ROLE r", K::role},
      {"GRANT r TO s", K::role},
      {"CREATE DATABASE d", K::database},
      {"LISTEN x", K::other},
  };
  for (const auto& c : cases) EXPECT_EQ(one(c.text).kind, c.kind) << c.text;
}

TEST(StatementsTest, KnowsWhatCannotRunInATransactionBlock) {
  for (const auto* text :
       {"CREATE INDEX CONCURRENTLY i ON t (a)", "DROP INDEX CONCURRENTLY i",
        "REINDEX INDEX CONCURRENTLY i", "REINDEX (CONCURRENTLY true) TABLE t", "REINDEX SCHEMA s",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY", "VACUUM (FULL) t", "CLUSTER",
        "CREATE DATABASE d", "DROP DATABASE d", "ALTER DATABASE d SET TABLESPACE x",
        "CREATE TABLESPACE x LOCATION '/x'", "ALTER SYSTEM SET a = 1", "COMMIT", "DISCARD ALL",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p"}) {
    EXPECT_FALSE(one(text).transactional) << text;
  }
  for (const auto* text :
       {"CREATE INDEX i ON t (a)", "REINDEX (CONCURRENTLY false) TABLE t", "REINDEX TABLE t",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v", "ALTER TABLE t DETACH PARTITION p",
        "ALTER TABLE t DETACH PARTITION p FINALIZE", "ANALYZE", "CLUSTER t",
        "ALTER TYPE e ADD VALUE 'x'", "ALTER DATABASE d CONNECTION LIMIT 3", "DISCARD TEMP",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (create_slot = false)"}) {
    EXPECT_TRUE(one(text).transactional) << text;
  }
  EXPECT_TRUE(one("REFRESH MATERIALIZED VIEW CONCURRENTLY v").concurrently);
  EXPECT_TRUE(one("REINDEX INDEX CONCURRENTLY i").concurrently);
  EXPECT_FALSE(one("REINDEX INDEX i").concurrently);
}

TEST(StatementsTest, NamesTheRelations) {
  using Relations = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(one("ALTER TABLE s.t ADD FOREIGN KEY (a) REFERENCES \"O\".u").relations,
            (Relations{{"s", "t"}, {"O", "u"}}));
  EXPECT_EQ(one("DROP TABLE a, s.b CASCADE").relations, (Relations{{"", "a"}, {"s", "b"}}));
  EXPECT_EQ(one("COMMENT ON COLUMN s.t.c IS NULL").relations, (Relations{{"s", "t"}}));
  EXPECT_EQ(one("COMMENT ON TABLE t IS NULL").relations, (Relations{{"", "t"}}));
  EXPECT_EQ(one("DROP TRIGGER g ON s.t").relations, (Relations{{"s", "t"}}));
  EXPECT_EQ(one("ALTER SEQUENCE s OWNED BY x.t.c").relations, (Relations{{"", "s"}, {"x", "t"}}));
  EXPECT_EQ(one("WITH q AS (SELECT * FROM t) INSERT INTO u SELECT * FROM q, t").relations,
            (Relations{{"", "u"}, {"", "t"}}));
  EXPECT_EQ(one("ALTER TABLE t ATTACH PARTITION p DEFAULT").relations,
            (Relations{{"", "t"}, {"", "p"}}));
  EXPECT_TRUE(one("SELECT 1").relations.empty());
}

TEST(StatementsTest, SyntaxErrorsNameTheLineAndTheGrammar) {
  const auto result = statements("SELECT 1;\n\nALTER TABLE t ADDD c int;");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, base::ErrorCode::invalid);
  EXPECT_NE(result.error().message.find("at line 3, column 15"), std::string::npos)
      << result.error().message;
  EXPECT_NE(result.error().detail.find("PostgreSQL 15"), std::string::npos);
}

TEST(StatementsTest, SyntaxOfANewerServerCannotBeJudged) {
  for (const auto* text : {"ALTER TABLE t ADD CONSTRAINT c NOT NULL a NOT VALID",
                           "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a) VIRTUAL)"}) {
    const auto result = statements(text);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_EQ(result.error().reason, "CannotJudge");
  }
}

}  // namespace
}  // namespace lockkeeper::sql::parse
