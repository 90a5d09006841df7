#include <gtest/gtest.h>

#include "dbcore/catalog/queries.h"
#include "tests/catalog/zoo.h"

namespace lockkeeper::catalog {
namespace {

using base::Context;
using support::PrivatePostgres;

// What is chosen for an older server leaves columns out and so runs here as well. The newer ones
// are the same text as for 15, which inspect_pgtest runs.
TEST(QueriesTest, VariantsOfOlderServersRunAndGiveAsManyRows) {
  auto& pg = PrivatePostgres::shared();
  const auto database = pg.create_database();
  pg.execute(database, zoo);
  auto session = sql::Session::connect(Context(), support::endpoint_of(pg, database), {}).value();
  const std::vector<std::string> names{"T 1", "parted", "parent"};
  const auto oids_of = [&](int version) {
    sql::Statement tables(queries::tables(version));
    tables.bind(std::string_view("we\"ird s")).bind(std::span<const std::string>(names));
    const auto rows = session.execute(Context(), tables).value();
    std::vector<std::string> oids;
    for (const sql::Row row : rows) oids.push_back(row.text(0));
    return oids;
  };
  const auto oids = oids_of(150000);
  EXPECT_EQ(oids.size(), 8U);
  const auto count = [&](const sql::Fragment& query) {
    sql::Statement statement(query);
    statement.bind(std::span<const std::string>(oids));
    const auto rows = session.execute(Context(), statement);
    EXPECT_TRUE(rows.ok()) << rows.error().text();
    return rows.ok() ? rows->size() : -1;
  };
  for (const int version : {130000, 140000}) {
    EXPECT_EQ(oids_of(version), oids);
    EXPECT_EQ(count(queries::columns(version)), count(queries::columns(150000)));
    EXPECT_EQ(count(queries::indexes(version)), count(queries::indexes(150000)));
    EXPECT_EQ(count(queries::publications(version)), count(queries::publications(150000)));
  }
  for (const int version : {160000, 180000}) {
    EXPECT_EQ(queries::columns(version).text(), queries::columns(150000).text());
    EXPECT_EQ(queries::indexes(version).text(), queries::indexes(150000).text());
    EXPECT_EQ(queries::tables(version).text(), queries::tables(150000).text());
  }
}

}  // namespace
}  // namespace lockkeeper::catalog
