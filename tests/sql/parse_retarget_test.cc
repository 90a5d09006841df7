#include <gtest/gtest.h>

#include "dbcore/sql/parse.h"

namespace lockkeeper::sql::parse {
namespace {

std::string done(std::string_view definition, const Retarget& change) {
  const auto result = retarget(definition, change);
  return result.ok() ? result->text() : "error: " + result.error().text();
}

TEST(RetargetTest, NothingToChangeChangesNothing) {
  const std::string index =
      "CREATE UNIQUE INDEX i ON ONLY s.t USING btree (a DESC, lower(b)) WHERE (a > 0)";
  EXPECT_EQ(done(index, {}), index);
}

TEST(RetargetTest, AnIndexKeepsAllThatIsNotNamed) {
  EXPECT_EQ(
      done(R"(CREATE UNIQUE INDEX "I ""1" ON s.t USING btree (a COLLATE "C" text_pattern_ops DESC )"
           R"(NULLS LAST, lower((a)::text) varchar_ops, b) INCLUDE (c, a) NULLS NOT DISTINCT )"
           R"(WITH (fillfactor='70', deduplicate_items=off) TABLESPACE "Fast 1" )"
           R"(WHERE ((a > 'a'::text) AND (c IS NOT NULL)))",
           {.name = "new \"name", .columns = {{"a", "_lk_1"}, {"c", "C c"}}, .concurrently = true}),
      R"(CREATE UNIQUE INDEX CONCURRENTLY "new ""name" ON s.t USING btree ("_lk_1" COLLATE "C" )"
      R"(text_pattern_ops DESC NULLS LAST, lower(("_lk_1")::text) varchar_ops, b) )"
      R"(INCLUDE ("C c", "_lk_1") NULLS NOT DISTINCT )"
      R"(WITH (fillfactor='70', deduplicate_items=off) TABLESPACE "Fast 1" )"
      R"(WHERE (("_lk_1" > 'a'::text) AND ("C c" IS NOT NULL)))");
}

TEST(RetargetTest, NamesThatLookLikeKeywordsOrColumnsAreLeftAlone) {
  EXPECT_EQ(done(R"(CREATE INDEX "on" ON "index"."only" USING gist ("using" a (siglen='100'), )"
                 R"(a(a, VARIADIC ARRAY['a'::a, ','])))",
                 {.columns = {{"a", "b"}}}),
            R"(CREATE INDEX "on" ON "index"."only" USING gist ("using" a (siglen='100'), )"
            R"(a("b", VARIADIC ARRAY['a'::a, ','])))");
}

TEST(RetargetTest, AnIndexMovesToAnotherTable) {
  EXPECT_EQ(done("CREATE INDEX i ON ONLY s.t USING hash (a)",
                 {.name = "j",
                  .table = QualifiedName{Identifier::trusted("S"), Identifier::trusted("t.2")}}),
            R"(CREATE INDEX "j" ON ONLY "S"."t.2" USING hash (a))");
}

TEST(RetargetTest, EveryKindOfConstraintIsRenamed) {
  const std::string add = "ALTER TABLE s.t ADD CONSTRAINT ";
  const Retarget change{.name = "n", .columns = {{"a", "A"}, {"id", "I"}}};
  EXPECT_EQ(done(add + "c CHECK (((a > 0) OR (b = 'a'::text))) NO INHERIT", change),
            add + R"("n" CHECK ((("A" > 0) OR (b = 'a'::text))) NO INHERIT)");
  EXPECT_EQ(done(add + "c UNIQUE NULLS NOT DISTINCT (b, a) INCLUDE (a) WITH (fillfactor='80') "
                       "DEFERRABLE INITIALLY DEFERRED",
                 change),
            add + R"("n" UNIQUE NULLS NOT DISTINCT (b, "A") INCLUDE ("A") WITH (fillfactor='80') )"
                  "DEFERRABLE INITIALLY DEFERRED");
  EXPECT_EQ(done(add + "c PRIMARY KEY (id)", change), add + R"("n" PRIMARY KEY ("I"))");
  EXPECT_EQ(done(add + "c PRIMARY KEY USING INDEX i", change),
            add + R"("n" PRIMARY KEY USING INDEX i)");
  EXPECT_EQ(done(add + "c EXCLUDE USING gist (a WITH =, lower(a) WITH OPERATOR(pg_catalog.&&)) "
                       "WHERE ((a > 0)) DEFERRABLE",
                 change),
            add + R"("n" EXCLUDE USING gist ("A" WITH =, lower("A") WITH OPERATOR(pg_catalog.&&)) )"
                  R"(WHERE (("A" > 0)) DEFERRABLE)");
}

TEST(RetargetTest, AForeignKeyHasTwoSides) {
  const std::string key =
      "ALTER TABLE ONLY s.t ADD CONSTRAINT f FOREIGN KEY (a, b) REFERENCES s.u(a, b) MATCH FULL "
      "ON UPDATE CASCADE ON DELETE SET NULL (a) DEFERRABLE";
  EXPECT_EQ(done(key, {.name = "g", .columns = {{"a", "x"}}, .not_valid = true}),
            R"(ALTER TABLE ONLY s.t ADD CONSTRAINT "g" FOREIGN KEY ("x", b) REFERENCES s.u(a, b) )"
            R"(MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL ("x") DEFERRABLE NOT VALID)");
  EXPECT_EQ(done(key, {.referenced_columns = {{"a", "y"}}}),
            R"(ALTER TABLE ONLY s.t ADD CONSTRAINT f FOREIGN KEY (a, b) REFERENCES s.u("y", b) )"
            R"(MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL (a) DEFERRABLE)");
}

TEST(RetargetTest, NotValidIsSaidOnce) {
  const std::string check = "ALTER TABLE t ADD CONSTRAINT c CHECK ((a > 0))";
  EXPECT_EQ(done(check, {.not_valid = true}), check + " NOT VALID");
  EXPECT_EQ(done(check + " NOT VALID", {.not_valid = true}), check + " NOT VALID");
  EXPECT_EQ(done("ALTER TABLE t ADD CHECK ((a > 0))", {.name = "n", .not_valid = true}),
            "ALTER TABLE t ADD CONSTRAINT \"n\" CHECK ((a > 0)) NOT VALID");
}

TEST(RetargetTest, RefusesWhatItCannotDo) {
  for (const auto* text :
       {"SELECT 1", "", "CREATE INDEX i ON t (a); DROP TABLE t", "CREATE INDEX i ON t (a);",
        "CREATE INDEX ON t (a)", "CREATE INDEX IF NOT EXISTS i ON t (a)",
        "ALTER TABLE t DROP COLUMN a", "ALTER TABLE t ADD CHECK (a > 0), DROP COLUMN a",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (t.* IS NOT NULL)"}) {
    EXPECT_EQ(done(text, {.columns = {{"a", "b"}}}).substr(0, 6), "error:") << text;
  }
  EXPECT_EQ(done("CREATE INDEX i ON t (a)", {.not_valid = true}).substr(0, 6), "error:");
  EXPECT_EQ(done("ALTER TABLE t ADD UNIQUE (a)", {.not_valid = true}).substr(0, 6), "error:");
  EXPECT_EQ(done("ALTER TABLE t ADD UNIQUE (a)", {.concurrently = true}).substr(0, 6), "error:");
}

TEST(RetargetTest, AWholeRowSurvivesWhenNoColumnIsRenamed) {
  EXPECT_EQ(done("ALTER TABLE t ADD CONSTRAINT c CHECK ((t.* IS NOT NULL))", {.name = "d"}),
            "ALTER TABLE t ADD CONSTRAINT \"d\" CHECK ((t.* IS NOT NULL))");
}

}  // namespace
}  // namespace lockkeeper::sql::parse
