// What a plan asks for by its words: types, functions, names; and what the server is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dbcore/catalog/inspect.h"
#include "dbcore/sql/transaction.h"
#include "tests/catalog/inspected.h"

namespace lockkeeper::catalog {
namespace {

using base::Context;
using ::testing::ElementsAre;

using Texts = std::vector<std::string>;

class InspectWordsTest : public Inspected {};

TEST_F(InspectWordsTest, LooksTypesUpInPgCatalogFirstAndThenInTheSchema) {
  Request request = everything();
  request.types = {"numeric(12,2)",
                   "text",
                   "mood",
                   "mood[]",
                   "positive",
                   "plain",
                   "int[]",
                   "varchar(7)[]",
                   "address",
                   "no_such",
                   "numeric(5000)",
                   "text(3)",
                   "other.x",
                   "json",
                   "daterange",
                   "timestamp(3) with time zone",
                   "point",
                   "serial",
                   "xml"};
  const Catalog catalog = read(request);
  const auto& types = catalog.types;
  EXPECT_EQ(types.at("numeric(12,2)").name, "numeric(12,2)");
  EXPECT_EQ(types.at("numeric(12,2)").modifier, ((12 << 16) | 2) + 4);
  EXPECT_EQ(types.at("text").name, "text");
  EXPECT_TRUE(types.at("text").collatable);
  EXPECT_EQ(types.at("text").category, 'S');
  EXPECT_EQ(types.at("mood").name, R"("we""ird s".mood)");
  EXPECT_EQ(types.at("mood").kind, 'e');
  EXPECT_TRUE(types.at("mood").has_equality);
  EXPECT_EQ(types.at("mood[]").element, R"("we""ird s".mood)");
  EXPECT_EQ(types.at("int[]").name, "integer[]");
  EXPECT_EQ(types.at("varchar(7)[]").name, "character varying(7)[]");
  EXPECT_EQ(types.at("varchar(7)[]").element, "character varying(7)");
  EXPECT_TRUE(types.at("positive").constrained_domain);
  EXPECT_EQ(types.at("positive").kind, 'd');
  EXPECT_FALSE(types.at("plain").constrained_domain);
  EXPECT_EQ(types.at("address").kind, 'c');
  EXPECT_TRUE(types.at("address").has_equality);
  EXPECT_FALSE(types.at("json").has_equality);
  EXPECT_FALSE(types.at("point").has_equality);
  EXPECT_FALSE(types.at("xml").has_equality);
  EXPECT_TRUE(types.at("daterange").has_equality);
  EXPECT_EQ(types.at("timestamp(3) with time zone").name, "timestamp(3) with time zone");
  for (const auto* text : {"no_such", "numeric(5000)", "text(3)", "other.x", "serial"}) {
    EXPECT_FALSE(types.contains(text)) << text;
    EXPECT_TRUE(catalog.type_problems.contains(text)) << text;
  }
  EXPECT_THAT(catalog.type_problems.at("numeric(5000)"), ::testing::HasSubstr("precision 5000"));
  EXPECT_EQ(catalog.tables.size(), 11U);
}

TEST_F(InspectWordsTest, EqualityOfATypeIsWhatTheServerSays) {
  auto session = connect();
  Request request = everything();
  request.types = {
      "int",      "text",    "varchar(3)",     "bpchar",   "json",   "jsonb",     "xml",
      "point",    "box",     "tsvector",       "uuid",     "bytea",  "int4range", "inet",
      "cidr",     "bit(3)",  "money",          "interval", "name",   "\"char\"",  "oid",
      "regclass", "pg_lsn",  "txid_snapshot",  "tsquery",  "circle", "line",      "polygon",
      "bool",     "float8",  "json[]",         "point[]",  "text[]", "xid",       "tid",
      "mood",     "address", "int4multirange", "aclitem"};
  const auto catalog = inspect(Context(), session, request).value();
  ASSERT_TRUE(session.execute(Context(), "SET search_path = \"we\"\"ird s\"").ok());
  for (const auto& [text, type] : catalog.types) {
    const auto asked = session.execute(
        Context(),
        sql::Fragment::trusted("SELECT DISTINCT x FROM (SELECT NULL::" + type.name + " AS x) y"));
    EXPECT_EQ(type.has_equality, asked.ok()) << text;
  }
  EXPECT_EQ(catalog.types.size(), request.types.size());
}

TEST_F(InspectWordsTest, KnowsTheMostVolatileOverload) {
  Request request = everything();
  request.functions = {
      "lower",           "now",   "random",           "count", "row_number", "we\"ird s.Fn x",
      "we\"ird s.total", "touch", "pg_catalog.lower", "none"};
  const auto functions = read(request).functions;
  EXPECT_EQ(functions.size(), 8U);
  EXPECT_EQ(functions.at("lower").volatility, 'i');
  EXPECT_EQ(functions.at("now").volatility, 's');
  EXPECT_EQ(functions.at("random").volatility, 'v');
  EXPECT_EQ(functions.at("count").kind, 'a');
  EXPECT_EQ(functions.at("row_number").kind, 'w');
  EXPECT_EQ(functions.at("we\"ird s.Fn x").volatility, 'v');
  EXPECT_EQ(functions.at("we\"ird s.Fn x").name, "Fn x");
  EXPECT_EQ(functions.at("we\"ird s.total").kind, 'a');
}

TEST_F(InspectWordsTest, FindsTheNamesThatAreTaken) {
  Request request = everything();
  request.names = {"T 1", "I \"1", "lonely", "V 1", "free", "far"};
  EXPECT_THAT(read(request).relation_names, ElementsAre("I \"1", "T 1", "V 1", "lonely"));
}

TEST_F(InspectWordsTest, ReadsInsideTheTransactionThatIsOpen) {
  auto session = connect();
  auto transaction = sql::Transaction::begin(Context(), session).value();
  ASSERT_TRUE(transaction.execute(Context(), "CREATE TABLE public.fresh (a int)").ok());
  Request request;
  request.tables = {"fresh"};
  request.types = {"int", "nothing"};
  const auto catalog = inspect(Context(), session, request).value();
  EXPECT_NE(catalog.table("fresh"), nullptr);
  EXPECT_EQ(catalog.types.size(), 1U);
  EXPECT_TRUE(session.in_transaction());
  ASSERT_TRUE(transaction.rollback(Context()).ok());
}

TEST_F(InspectWordsTest, ReadsTheServerAndWhatWeMayDo) {
  PrivatePostgres& pg = PrivatePostgres::shared();
  auto session = connect();
  const Server server = inspect_server(Context(), session).value();
  EXPECT_EQ(server.database, database());
  EXPECT_EQ(server.user, "postgres");
  EXPECT_TRUE(server.superuser && server.bypass_rls && server.can_create_schema &&
              server.sees_all_activity);
  EXPECT_FALSE(server.in_recovery);
  EXPECT_EQ(server.system_identifier,
            pg.sql(database(), "SELECT system_identifier FROM pg_control_system()"));
  EXPECT_EQ(std::to_string(server.max_connections), pg.sql(database(), "SHOW max_connections"));
  EXPECT_EQ(server.deadlock_timeout_ms, 1000);

  pg.create_role("inspect_plain");
  pg.execute(database(), "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
  auto plain_session = connect("inspect_plain");
  const Server plain = inspect_server(Context(), plain_session).value();
  EXPECT_FALSE(plain.superuser || plain.bypass_rls || plain.can_create_schema ||
               plain.sees_all_activity);
  EXPECT_EQ(plain.system_identifier, "");
  pg.execute(database(), "GRANT pg_monitor TO inspect_plain");
  EXPECT_TRUE(inspect_server(Context(), plain_session).value().sees_all_activity);
  EXPECT_EQ(inspect(Context(), plain_session, everything()).value().tables.size(), 11U);
}

TEST_F(InspectWordsTest, TimeZonesAreUtcOnlyWhenEveryRolesIs) {
  PrivatePostgres pg({.settings = {"timezone = 'UTC'"}});
  const auto db = pg.create_database();
  pg.create_role("elsewhere");
  const auto utc = [&] {
    auto session = sql::Session::connect(Context(), support::endpoint_of(pg, db), {}).value();
    return inspect_server(Context(), session).value().all_time_zones_utc;
  };
  EXPECT_TRUE(utc());
  pg.execute(db, "ALTER ROLE elsewhere SET timezone = 'Europe/Berlin'");
  EXPECT_FALSE(utc());
  pg.execute(db, "ALTER ROLE elsewhere SET timezone = 'etc/utc'");
  EXPECT_TRUE(utc());
  pg.execute(db, "ALTER ROLE elsewhere IN DATABASE " + db + " SET timezone = 'Asia/Tokyo'");
  EXPECT_FALSE(utc());
  pg.execute(db, "ALTER ROLE elsewhere IN DATABASE " + db + " RESET timezone");
  pg.execute(db, "ALTER DATABASE " + db + " SET timezone = 'America/Lima'");
  EXPECT_FALSE(utc());
}

}  // namespace
}  // namespace lockkeeper::catalog
