// Lists that cannot be planned: the error names the place and the cure, and nothing has run.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "crds/json.h"
#include "crds/operation_codec.h"
#include "tests/plan/plan_lab.h"

namespace lockkeeper::plan {
namespace {

constexpr const char* schema = R"(
CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL, amount int, made timestamp, doubled int
                    GENERATED ALWAYS AS (amount * 2) STORED, code text UNIQUE DEFERRABLE);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users, note text);
CREATE MATERIALIZED VIEW old_notes AS SELECT note FROM orders;
CREATE VIEW names AS SELECT name FROM users;
CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE keyed (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE watched (id int, a text, b text, c text);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER on_a BEFORE UPDATE OF a ON watched FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER "~~last" BEFORE UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION touch();
CREATE STATISTICS ab ON b, lower(c) FROM watched;
CREATE TABLE guarded (id int, a int); CREATE POLICY only_a ON guarded USING (a > 1);
)";

struct Refusal {
  const char* name;
  const char* operations;
  const char* path;
  const char* words;  // in the text of the error
};

std::ostream& operator<<(std::ostream& out, const Refusal& refusal) {
  return out << refusal.name;
}

class RefusalTest : public testing::TestWithParam<Refusal> {};

base::Result<std::vector<Operation>> decode(const std::string& text) {
  TRY(const auto list, crds::parse_json(text));
  std::vector<Operation> out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    TRY(auto op, crds::decode_operation(list[i], "spec.operations[" + std::to_string(i) + "]"));
    out.push_back(std::move(op));
  }
  return out;
}

Lab& lab() {
  static Lab shared(schema);
  return shared;
}

TEST_P(RefusalTest, NamesThePlaceAndTheCure) {
  const auto operations = decode(GetParam().operations);
  ASSERT_TRUE(operations.ok()) << operations.error().text();
  const auto plan = lab().plan(*operations);
  ASSERT_FALSE(plan.ok()) << to_text(*plan);
  const auto& error = plan.error();
  EXPECT_EQ(error.code, base::ErrorCode::invalid) << error.text();
  EXPECT_EQ(error.reason, "InvalidPlan") << error.text();
  EXPECT_EQ(error.path, GetParam().path) << error.text();
  EXPECT_NE(error.text().find(GetParam().words), std::string::npos) << error.text();
  EXPECT_FALSE(error.hint.empty()) << error.text();
}

constexpr Refusal refusals[] = {
    {"UnknownTable", R"j([{"dropColumn": {"table": "nobody", "column": "a"}}])j",
     "spec.operations[0].dropColumn.table", "\"nobody\" does not exist"},
    {"UnknownColumn", R"j([{"renameColumn": {"table": "users", "from": "nix", "to": "b"}}])j",
     "spec.operations[0].renameColumn.from", "\"nix\""},
    {"APartition",
     R"j([{"addColumn": {"table": "part1", "column": {"name": "x", "type": "int"}}}])j",
     "spec.operations[0].addColumn.table", "name its parent"},
    {"UnknownType",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "nosuch"}}}])j",
     "spec.operations[0].addColumn.column.type", "nosuch"},
    {"NoTypeAtAll",
     R"j([{"changeType": {"table": "users", "column": "name", "type": "int; drop"}}])j",
     "spec.operations[0].changeType.type", "type"},
    {"Serial",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "bigserial"}}}])j",
     "spec.operations[0].addColumn.column.type", "serial"},
    {"DomainWithCheck",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "positive"}}}])j",
     "spec.operations[0].addColumn.column.type", "rewrites"},
    {"UpDoesNotParse",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "int"}, "up": "1 +"}}])j",
     "spec.operations[0].addColumn.up", "syntax"},
    {"UpNamesAnUnknownColumn",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "int"}, "up": "nix + 1"}}])j",
     "spec.operations[0].addColumn.up", "old version names it"},
    {"UpByTheNewName",
     R"j([{"renameColumn": {"table": "users", "from": "name", "to": "label"}}, {"addColumn": {"table": "users", "column": {"name": "x", "type": "text"}, "up": "upper(label)"}}])j",
     "spec.operations[1].addColumn.up", "\"label\""},
    {"DownByTheOldName",
     R"j([{"changeType": {"table": "users", "column": "amount", "type": "text", "to": "sum", "down": "amount::int"}}])j",
     "spec.operations[0].changeType.down", "new version names it"},
    {"UpIsOfAnotherType",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "int"}, "up": "name"}}])j",
     "spec.operations[0].addColumn.up", "cannot be assigned"},
    {"UpIsNoValueOfTheType",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "int"}, "up": "'abc'"}}])j",
     "spec.operations[0].addColumn.up", "integer"},
    {"UpIsTooLong",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "varchar(3)"},
    "up" : "'free'"
}
}])j",
     "spec.operations[0].addColumn.up", "too long"},
    {"UpIsIllTyped",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "int"}, "up": "name + 1"}}])j",
     "spec.operations[0].addColumn.up", "operator"},
    {"UpIsVolatile",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "float8"}, "up": "random()"
}
}])j",
     "spec.operations[0].addColumn.up", "volatile"},
    {"UpWithASubquery",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "int"}, "up": "(SELECT 1)"
}
}])j",
     "spec.operations[0].addColumn.up", "subquery"},
    {"UpWithAnAggregate",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "int"}, "up": "max(amount)"
}
}])j",
     "spec.operations[0].addColumn.up", "aggregate"},
    {"UpOverAGeneratedColumn",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "int"}, "up": "doubled"}}])j",
     "spec.operations[0].addColumn.up", "generated"},
    {"UnknownFunction",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "int"}, "up": "nosuch(id)"
}
}])j",
     "spec.operations[0].addColumn.up", "nosuch"},
    {"NotNullWithoutAValue",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "int", "nullable": false}}}])j",
     "spec.operations[0].addColumn", "rows that are there"},
    {"ColumnExists",
     R"j([{"addColumn": {"table": "users", "column": {"name": "name", "type": "int"}}}])j",
     "spec.operations[0].addColumn.column.name", "exists"},
    {"NameOfOurs",
     R"j([{"addColumn": {"table": "users", "column": {"name": "_lk_x", "type": "int"}}}])j",
     "spec.operations[0].addColumn.column.name", "lockkeeper's own"},
    {"SystemColumn",
     R"j([{"addColumn": {"table": "users", "column": {"name": "ctid", "type": "int"}}}])j",
     "spec.operations[0].addColumn.column.name", "system column"},
    {"NameStillTaken",
     R"j([{"renameColumn": {"table": "users", "from": "name", "to": "label"}}, {"renameColumn": {"table": "users", "from": "code", "to": "name"}}])j",
     "spec.operations[1].renameColumn", "while both versions run"},
    {"TwoRewritesOfOneColumn",
     R"j([{"changeType": {"table": "users", "column": "amount", "type": "bigint"}}, {"setNotNull": {"table": "users", "column": "amount", "up": "0"}}])j",
     "spec.operations[1].setNotNull", "spec.operations[0].changeType and"},
    {"DropsWhatItChanges",
     R"j([{"changeType": {"table": "users", "column": "amount", "type": "bigint"}}, {"dropColumn": {"table": "users", "column": "amount"}}])j",
     "spec.operations[1].dropColumn", "both rewrite"},
    {"UnsafeCast", R"j([{"changeType": {"table": "orders", "column": "note", "type": "int"}}])j",
     "spec.operations[0].changeType.up", "can fail"},
    {"CastThatDependsOnTheTimeZone",
     R"j([{"changeType": {"table": "users", "column": "made", "type": "date"}}])j",
     "spec.operations[0].changeType.up", "can fail"},
    {"DownThatNobodyUses",
     R"j([{"changeType": {"table": "orders", "column": "id", "type": "bigint", "down": "1"}}])j",
     "spec.operations[0].changeType.down", "nothing would use"},
    {"SameType", R"j([{"changeType": {"table": "orders", "column": "id", "type": "int4"}}])j",
     "spec.operations[0].changeType.type", "already"},
    {"ReferencedKey", R"j([{"changeType": {"table": "users", "column": "id", "type": "bigint"}}])j",
     "spec.operations[0].changeType", "orders_user_id_fkey"},
    {"GeneratedColumn",
     R"j([{"renameColumn": {"table": "users", "from": "doubled", "to": "twice"}}])j",
     "spec.operations[0].renameColumn", "generated"},
    {"ReadByAGeneratedColumn",
     R"j([{"changeType": {"table": "users", "column": "amount", "type": "bigint"}}])j",
     "spec.operations[0].changeType", "doubled"},
    {"DeferrableUnique",
     R"j([{"changeType": {"table": "users", "column": "code", "type": "int", "up": "1"}}])j",
     "spec.operations[0].changeType", "users_code_key"},
    {"MaterializedView",
     R"j([{"changeType": {"table": "orders", "column": "note", "type": "bytea", "up": "''::bytea"}}])j",
     "spec.operations[0].changeType", "old_notes"},
    {"ViewOverADroppedColumn",
     R"j([{"dropColumn": {"table": "users", "column": "name", "down": "''"}}])j",
     "spec.operations[0].dropColumn", "view public.names"},
    {"DropNeedsDown", R"j([{"dropColumn": {"table": "users", "column": "name"}}])j",
     "spec.operations[0].dropColumn.down", "NOT NULL without a default"},
    {"PartitionKey", R"j([{"renameColumn": {"table": "parts", "from": "at", "to": "day"}}])j",
     "spec.operations[0].renameColumn", "partition key"},
    {"KeyOfAPartitionedTable",
     R"j([{"changeType": {"table": "keyed", "column": "id", "type": "bigint"}}])j",
     "spec.operations[0].changeType", "keyed_pkey"},
    {"TriggerUpdateOf", R"j([{"dropColumn": {"table": "watched", "column": "a"}}])j",
     "spec.operations[0].dropColumn", "on_a"},
    {"TriggerAfterTheRouter",
     R"j([{"renameColumn": {"table": "watched", "from": "a", "to": "z"}}])j",
     "spec.operations[0].renameColumn", "~~last"},
    {"ExtendedStatistics",
     R"j([{"changeType": {"table": "watched", "column": "b", "type": "int", "up": "1"}}])j",
     "spec.operations[0].changeType", "public.ab"},
    {"Policy", R"j([{"dropColumn": {"table": "guarded", "column": "a"}}])j",
     "spec.operations[0].dropColumn", "only_a"},
    {"NotNullAlready", R"j([{"setNotNull": {"table": "users", "column": "name"}}])j",
     "spec.operations[0].setNotNull.column", "already"},
    {"IndexNameTaken",
     R"j([{"createIndex": {"table": "users", "name": "orders_pkey", "columns": [{"name": "name"}]}}])j",
     "spec.operations[0].createIndex.name", "exists"},
    {"IndexOnADroppedColumn",
     R"j([{"dropColumn": {"table": "users", "column": "amount"}}, {"createIndex": {"table": "users", "name": "i", "columns": [{"name": "amount"}]}}])j",
     "spec.operations[1].createIndex.columns[0].name", "\"amount\""},
    {"IndexWithAStableFunction",
     R"j([{"createIndex": {"table": "users", "name": "i", "columns": [{"expression": "to_char(made, 'YYYY')"}]
}
}])j",
     "spec.operations[0].createIndex.columns[0].expression", "immutable"},
    {"IndexOpclassUnknown",
     R"j([{"createIndex": {"table": "users", "name": "i", "columns": [{"name": "made", "opclass": "nosuch_ops"}]}}])j",
     "spec.operations[0].createIndex.columns[0].opclass", "nosuch_ops"},
    {"IndexMethodUnknown",
     R"j([{"createIndex": {"table": "users", "name": "i", "columns": [{"name": "made"}], "method": "nosuch"}}])j",
     "spec.operations[0].createIndex.method", "nosuch"},
    {"UniqueWithoutPartitionKey",
     R"j([{"createIndex": {"table": "parts", "name": "i", "columns": [{"name": "id"}], "unique": true}}])j",
     "spec.operations[0].createIndex.unique", "partition key"},
    {"CollationUnknown",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "text", "collation": "nosuch"}}}])j",
     "spec.operations[0].addColumn.column.collation", "nosuch"},
    {"ReferenceToNothing",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "int", "references": {"table": "nobody", "columns": ["id"]}}}}])j",
     "spec.operations[0].addColumn.column.references.table", "nobody"},
    {"ReferenceToNoKey",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "text", "references": {"table": "orders", "columns": ["note"]}}}}])j",
     "spec.operations[0].addColumn.column.references.columns", "not unique"},
    {"DefaultOfAnotherType",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "int", "default": "now()"
}
}
}])j",
     "spec.operations[0].addColumn.column.default", "cannot be assigned"},
    {"GeneratedNeedsAllow",
     R"j([{"addColumn": {"table": "users", "column": {"name": "x", "type": "int", "generated": "amount + 1"}}}])j",
     "spec.operations[0].addColumn.column.generated", "safety.allow"},
    {"SqlWithoutAWayBack", R"j([{"sql": {"expand": ["CREATE TABLE x (a int)"]
}
}])j",
     "spec.operations[0].sql.rollback", "way back"},
    {"SqlOutsideTheSchema",
     R"j([{"sql": {"expand": ["CREATE TABLE other.x (a int)"], "irreversible": true
}
}])j",
     "spec.operations[0].sql.expand[0]", "outside the target schema"},
    {"SqlThatMayBlock", R"j([{"sql": {"contract": ["ALTER TABLE users DROP COLUMN made"]}}])j",
     "spec.operations[0].sql.contract[0]", "safety.allow"},
    {"SqlThatDoesNotParse", R"j([{"sql": {"contract": ["ALTER TABEL x"]}}])j",
     "spec.operations[0].sql.contract[0]", "syntax"},
    {"SqlTransaction",
     R"j([{"sql": {"expand": ["BEGIN; SELECT 1; COMMIT"], "irreversible": true}}])j",
     "spec.operations[0].sql.expand[0]", "leave the statement out"},
    {"SqlSetList",
     R"j([{"sql": {"backfill": {"table": "users", "set": "amount = 1 WHERE true; DROP TABLE users; --"}, "irreversible": true}}])j",
     "spec.operations[0].sql.backfill.set", "assignments"},
};

INSTANTIATE_TEST_SUITE_P(Plan, RefusalTest, testing::ValuesIn(refusals),
                         [](const auto& refusal) { return std::string(refusal.param.name); });

}  // namespace
}  // namespace lockkeeper::plan
