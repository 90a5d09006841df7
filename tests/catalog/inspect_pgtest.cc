#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dbcore/catalog/inspect.h"
#include "tests/catalog/inspected.h"

namespace lockkeeper::catalog {
namespace {

using sql::Identifier;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Texts = std::vector<std::string>;

class InspectTest : public Inspected {};

TEST_F(InspectTest, ReadsTheTablesThatExistAndTheirKinds) {
  const Catalog catalog = read();
  EXPECT_TRUE(catalog.schema_exists);
  EXPECT_EQ(catalog.tables.size(), 11U);
  EXPECT_EQ(catalog.table("absent"), nullptr);
  EXPECT_EQ(catalog.table("T 1")->kind, TableKind::table);
  EXPECT_EQ(catalog.table("parted")->kind, TableKind::partitioned);
  EXPECT_EQ(catalog.table("V 1")->kind, TableKind::other);
  EXPECT_EQ(catalog.table("lonely")->kind, TableKind::other);
  EXPECT_EQ(catalog.table("unlogged")->persistence, 'u');
  Request nowhere = everything();
  nowhere.schema = Identifier::trusted("no such schema");
  const Catalog empty = read(nowhere);
  EXPECT_FALSE(empty.schema_exists);
  EXPECT_TRUE(empty.tables.empty());
}

TEST_F(InspectTest, ReadsWhatATableSaysOfItself) {
  const Table table = t1();
  EXPECT_EQ(table.name.display(), "we\"ird s.T 1");
  EXPECT_EQ(table.owner, "postgres");
  EXPECT_EQ(table.comment, "a table's comment");
  EXPECT_THAT(table.acl, ::testing::Contains("=r/postgres"));
  EXPECT_THAT(table.options, ElementsAre("fillfactor=70"));
  EXPECT_TRUE(table.row_security);
  EXPECT_TRUE(table.force_row_security);
  EXPECT_EQ(table.replica_identity, 'i');
  EXPECT_EQ(table.row_estimate, -1);
  EXPECT_GT(table.total_bytes, table.size_bytes);
  EXPECT_THAT(table.publications, ElementsAre("pub \"1"));
}

TEST_F(InspectTest, ReadsColumnsWithoutTheDroppedOne) {
  const Table table = t1();
  ASSERT_EQ(table.columns.size(), 15U);
  EXPECT_EQ(table.columns.front().name, "id");
  EXPECT_EQ(table.columns.back().name, "K 2");
  const Column& id = *table.column("id");
  EXPECT_EQ(id.identity, Identity::by_default);
  EXPECT_EQ(id.owned_sequence, R"("we""ird s"."T 1_id_seq")");
  EXPECT_TRUE(id.not_null);
  EXPECT_EQ(id.type, "bigint");
  const Column& serial = *table.column("serial_one");
  EXPECT_EQ(serial.owned_sequence, R"("we""ird s"."T 1_serial_one_seq")");
  EXPECT_TRUE(serial.default_volatile);
  const Column& select = *table.column("select");
  EXPECT_EQ(select.collation, R"("we""ird s"."co ll")");
  EXPECT_EQ(select.default_expression, "'it''s'::text");
  EXPECT_FALSE(select.default_volatile);
  EXPECT_EQ(select.comment, "a column's");
  EXPECT_EQ(select.statistics_target, 500);
  EXPECT_EQ(select.storage, 'e');
  EXPECT_THAT(select.options, ElementsAre("n_distinct=5"));
  const Column& quote = *table.column("q\"uote");
  EXPECT_EQ(quote.type, "numeric(12,2)");
  EXPECT_TRUE(quote.default_volatile);
  EXPECT_FALSE(table.column("naïve ☃")->default_volatile);
  EXPECT_FALSE(table.column("at")->default_volatile);
  const Column& doubled = *table.column("doubled");
  EXPECT_EQ(doubled.generated, GeneratedKind::stored);
  EXPECT_EQ(doubled.default_expression, R"(("naïve ☃" * 2))");
  EXPECT_EQ(table.column("feeling")->type, R"("we""ird s".mood)");
  EXPECT_EQ(table.column("feeling")->default_expression, R"('ok'::"we""ird s".mood)");
  EXPECT_EQ(table.column("tags")->compression, 'p');
  EXPECT_EQ(table.column("tags")->type, "text[]");
  EXPECT_THAT(table.column("price")->acl, ElementsAre("=w/postgres"));
}

TEST_F(InspectTest, ReadsIndexesWithAllThatTheyDependOn) {
  const Table table = t1();
  const Index& index = *table.index("I \"1");
  EXPECT_EQ(index.definition,
            R"(CREATE INDEX "I ""1" ON "we""ird s"."T 1" USING btree ("K 1" DESC, )"
            R"(lower("select") COLLATE "C" text_pattern_ops) INCLUDE (price) )"
            R"(WITH (fillfactor='60') WHERE (at IS NOT NULL))");
  ASSERT_EQ(index.keys.size(), 2U);
  EXPECT_EQ(index.keys[0].name, "K 1");
  EXPECT_EQ(index.keys[1].name, "");
  EXPECT_THAT(index.included, ElementsAre("price"));
  EXPECT_THAT(index.reads, UnorderedElementsAre("K 1", "select", "price", "at"));
  EXPECT_TRUE(index.partial);
  EXPECT_FALSE(index.unique);
  EXPECT_TRUE(index.valid && index.ready);
  EXPECT_EQ(index.comment, "an index");
  EXPECT_EQ(index.method, "btree");
  EXPECT_GT(index.size_bytes, 0);
  const Index& unique = *table.index("uq");
  EXPECT_TRUE(unique.unique && unique.nulls_not_distinct);
  EXPECT_EQ(unique.constraint, "uq");
  EXPECT_THAT(unique.reads, UnorderedElementsAre("K 1", "at"));
  EXPECT_TRUE(table.index("identity_of")->replica_identity);
  EXPECT_TRUE(table.index("T 1_pkey")->primary);
  EXPECT_EQ(table.index("span_gist")->method, "gist");
}

TEST_F(InspectTest, SeesAnInvalidIndex) {
  PrivatePostgres& pg = PrivatePostgres::shared();
  pg.execute(database(),
             "CREATE TABLE public.doubles (a int); INSERT INTO public.doubles VALUES (1), (1)");
  EXPECT_ANY_THROW(
      pg.execute(database(), "CREATE UNIQUE INDEX CONCURRENTLY broken ON public.doubles (a)"));
  Request request;
  request.tables = {"doubles"};
  const Catalog catalog = read(request);
  ASSERT_NE(catalog.table("doubles")->index("broken"), nullptr);
  EXPECT_FALSE(catalog.table("doubles")->index("broken")->valid);
}

TEST_F(InspectTest, ReadsConstraintsOfEveryKind) {
  const Table table = t1();
  const Constraint& check = *table.constraint("ck");
  EXPECT_EQ(check.kind, ConstraintKind::check);
  EXPECT_TRUE(check.no_inherit);
  EXPECT_THAT(check.columns, UnorderedElementsAre("naïve ☃", "price"));
  EXPECT_FALSE(table.constraint("later")->validated);
  const Constraint& key = *table.constraint("fk \"1");
  EXPECT_EQ(key.kind, ConstraintKind::foreign_key);
  EXPECT_TRUE(key.deferrable && key.initially_deferred);
  EXPECT_EQ(key.referenced_name->display(), "we\"ird s.parent");
  EXPECT_THAT(key.columns, ElementsAre("parent_id"));
  EXPECT_THAT(key.referenced_columns, ElementsAre("id"));
  EXPECT_EQ(key.index, "");
  const Constraint& two = *table.constraint("fk2");
  EXPECT_THAT(two.columns, ElementsAre("K 2", "K 1"));
  EXPECT_THAT(two.referenced_columns, ElementsAre("K 1", "K 2"));
  EXPECT_EQ(table.constraint("uq")->index, "uq");
  EXPECT_EQ(table.constraint("T 1_pkey")->kind, ConstraintKind::primary_key);
  EXPECT_EQ(table.constraint("guard")->kind, ConstraintKind::trigger);
  EXPECT_EQ(table.constraint("self")->referenced_table, table.oid);
}

TEST_F(InspectTest, ReadsTriggersAndPolicies) {
  const Table table = t1();
  ASSERT_EQ(table.triggers.size(), 3U);
  const auto& row = table.triggers[0];
  EXPECT_EQ(row.name, "Trg 1");
  EXPECT_TRUE(row.row && row.before && row.on_update);
  EXPECT_FALSE(row.on_insert || row.on_delete || row.on_truncate || row.instead || row.constraint);
  EXPECT_EQ(row.enabled, 'A');
  EXPECT_EQ(row.function, "we\"ird s.touch");
  EXPECT_THAT(row.update_of, ElementsAre("select", "at"));
  EXPECT_THAT(row.reads, UnorderedElementsAre("select", "at", "price"));
  EXPECT_TRUE(table.triggers[1].constraint);
  const auto& late = table.triggers[2];
  EXPECT_TRUE(!late.row && !late.before && late.on_insert && late.on_delete && late.on_truncate);
  ASSERT_EQ(table.policies.size(), 1U);
  EXPECT_EQ(table.policies[0].definition,
            "AS RESTRICTIVE FOR UPDATE TO PUBLIC USING (((price)::numeric > (1)::numeric)) "
            "WITH CHECK ((id > 1))");
  EXPECT_THAT(table.policies[0].reads, UnorderedElementsAre("id", "price"));
}

TEST_F(InspectTest, ReadsWhoRefersToATable) {
  const Table table = t1();
  ASSERT_EQ(table.referenced_by.size(), 3U);
  EXPECT_EQ(table.referenced_by[0].table_name.display(), "other.far");
  EXPECT_EQ(table.referenced_by[1].constraint, "self");
  EXPECT_EQ(table.referenced_by[2].table_name.display(), "we\"ird s.child_of_t");
  EXPECT_THAT(table.referenced_by[2].columns, ElementsAre("tid"));
  EXPECT_THAT(table.referenced_by[2].referenced_columns, ElementsAre("id"));
}

TEST_F(InspectTest, NamesEveryOtherDependentAndNoModelledOne) {
  Texts found;
  for (const auto& dependent : t1().dependents) {
    found.push_back(dependent.column + ": " + dependent.kind);
  }
  EXPECT_THAT(
      found, UnorderedElementsAre("naïve ☃: generated column", "K 1: statistics", "K 2: statistics",
                                  "price: rule", "id: publication", "serial_one: publication",
                                  "at: publication", "K 2: function"));
}

TEST_F(InspectTest, ReadsViewsInnermostFirst) {
  const Catalog catalog = read();
  Texts names;
  for (const View& view : catalog.views) names.push_back(view.name.display());
  EXPECT_THAT(names,
              ElementsAre("we\"ird s.V 1", "we\"ird s.counted", "we\"ird s.stored", "other.above"));
  const View& v1 = catalog.views[0];
  const Oid t = catalog.table("T 1")->oid;
  EXPECT_EQ(v1.depth, 1);
  EXPECT_THAT(v1.columns, ElementsAre("id", "Pr ice", "at"));
  EXPECT_THAT(v1.options, ElementsAre("security_invoker=true"));
  EXPECT_EQ(v1.comment, "a view");
  ASSERT_EQ(v1.defaults.size(), 1U);
  EXPECT_EQ(v1.defaults[0], std::make_pair(std::string("at"), std::string("now()")));
  using Reads = std::vector<std::pair<Oid, std::string>>;
  EXPECT_EQ(v1.reads, (Reads{{t, "at"}, {t, "id"}, {t, "price"}}));
  EXPECT_EQ(catalog.views[1].reads, (Reads{{t, ""}}));
  EXPECT_TRUE(catalog.views[2].materialized);
  const View& above = catalog.views[3];
  EXPECT_EQ(above.depth, 2);
  EXPECT_THAT(above.reads,
              UnorderedElementsAre(std::pair(t, std::string("at")), std::pair(t, std::string("id")),
                                   std::pair(t, std::string("price")),
                                   std::pair(v1.oid, std::string("Pr ice"))));
}

TEST_F(InspectTest, ReadsInheritanceAndPartitions) {
  const Catalog catalog = read();
  const Table& parted = *catalog.table("parted");
  EXPECT_EQ(parted.partition_key, "RANGE (at)");
  EXPECT_THAT(parted.partition_columns, ElementsAre("at"));
  EXPECT_EQ(catalog.table("by_expression")->partition_key, "RANGE (b, abs(k))");
  EXPECT_THAT(catalog.table("by_expression")->partition_columns, ElementsAre("k", "b"));
  ASSERT_EQ(parted.children.size(), 2U);
  EXPECT_EQ(parted.children[0].second.display(), "we\"ird s.parted_1");
  ASSERT_EQ(parted.partitions.size(), 2U);
  EXPECT_EQ(parted.partitions[1].display(), "we\"ird s.parted_2_1");
  const Table& first = *catalog.table("parted_1");
  EXPECT_EQ(first.partition_bound, "FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')");
  EXPECT_THAT(first.parents, ElementsAre(parted.oid));
  EXPECT_EQ(first.index("parted_1_v_idx")->parent, parted.index("parted_v")->oid);
  EXPECT_EQ(first.constraint("parted_1_pkey")->parent, parted.constraint("pk")->oid);
  EXPECT_THAT(catalog.table("heir")->parents, ElementsAre(catalog.table("base")->oid));
  EXPECT_EQ(catalog.table("base")->children.size(), 1U);
  EXPECT_THAT(catalog.table("base")->partitions, IsEmpty());
}

TEST_F(InspectTest, ReadsRelatedTablesOneStepAway) {
  Request request = everything();
  request.tables = {"T 1", "parted"};
  const Catalog catalog = read(request);
  std::map<std::string, const Table*> related;
  for (const auto& [oid, table] : catalog.related) related[table.name.display()] = &table;
  EXPECT_EQ(related.size(), 6U);
  ASSERT_TRUE(related.contains("other.far"));
  EXPECT_EQ(related["we\"ird s.parent"]->columns.size(), 3U);
  EXPECT_EQ(related["we\"ird s.parent"]->indexes.size(), 2U);
  const Table* middle = related["we\"ird s.parted_2"];
  EXPECT_EQ(middle->kind, TableKind::partitioned);
  EXPECT_THAT(middle->columns, IsEmpty());
  EXPECT_EQ(middle->indexes.size(), 2U);
  EXPECT_EQ(middle->children.size(), 1U);
}

}  // namespace
}  // namespace lockkeeper::catalog
