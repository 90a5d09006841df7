// Inspecting costs a fixed number of statements and memory in proportion, whatever the schema.
#include <gtest/gtest.h>
#include <malloc.h>

#include "dbcore/catalog/fingerprint.h"
#include "tests/catalog/zoo.h"

namespace lockkeeper::catalog {
namespace {

using base::Context;
using support::PrivatePostgres;

class InspectScaleTest : public ::testing::Test {
 protected:
  PrivatePostgres pg_{
      {.settings = {"shared_preload_libraries = 'pg_stat_statements'",
                    "pg_stat_statements.track_utility = on", "max_locks_per_transaction = 1000"}}};
  std::string database_ = pg_.create_database();

  void SetUp() override {
    pg_.execute(database_, "CREATE EXTENSION pg_stat_statements");
    pg_.create_role("counted", "SUPERUSER");
    pg_.execute(database_, R"(
      CREATE TABLE hub (id int PRIMARY KEY);
      DO $$ BEGIN FOR i IN 1..1000 LOOP
        EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY REFERENCES hub, a int DEFAULT abs(1),
          c timestamptz DEFAULT now(), d int CHECK (d > 0), e int)', i);
        EXECUTE format('CREATE INDEX ON t%s (a, abs(d))', i);
        IF i % 10 = 0 THEN EXECUTE format('CREATE VIEW v%s AS SELECT a, d FROM t%1$s', i); END IF;
      END LOOP; END $$)");
  }

  [[nodiscard]] static Request first(int count) {
    Request request;
    for (int i = 1; i <= count; ++i) request.tables.insert("t" + std::to_string(i));
    request.types = {"int", "text"};
    return request;
  }

  // Statements that the server ran for one inspection.
  [[nodiscard]] std::string statements_for(const Request& request) {
    auto session =
        sql::Session::connect(Context(), support::endpoint_of(pg_, database_, "counted"), {})
            .value();
    pg_.execute(database_, "SELECT pg_stat_statements_reset()");
    EXPECT_EQ(inspect(Context(), session, request).value().tables.size(), request.tables.size());
    return pg_.sql(
        database_,
        "SELECT sum(calls) FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid "
        "WHERE rolname = 'counted' AND toplevel");
  }
};

// One test: making the thousand tables is what takes the time.
TEST_F(InspectScaleTest, AThousandTablesTakeAsManyStatementsAsTenAndFewMegabytes) {
  const auto ten = statements_for(first(10));
  EXPECT_EQ(ten, statements_for(first(1'000)));
  EXPECT_LE(std::stoi(ten), 30);

  auto session = sql::Session::connect(Context(), support::endpoint_of(pg_, database_), {}).value();
  const auto used = [] { return mallinfo2().uordblks; };
  const auto before = used();
  const Catalog catalog = inspect(Context(), session, first(1'000)).value();
  const auto bytes = used() - before;
  EXPECT_EQ(catalog.views.size(), 100U);
  EXPECT_LT(bytes / catalog.tables.size(), 20'000U);
  EXPECT_GT(facts(catalog).size(), 10'000U);
}

}  // namespace
}  // namespace lockkeeper::catalog
