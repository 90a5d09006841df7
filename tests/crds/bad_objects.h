// Objects that must be refused, with the path that both the API server and the strict reader name.
#pragma once

#include <string>
#include <vector>

namespace lockkeeper::crds::tests {

struct BadObject {
  std::string about;
  std::string kind;  // Migration or Database
  std::string spec;  // JSON
  std::string path;  // that the refusal names
};

inline std::string with_operation(const std::string& operation) {
  return R"({"databaseRef": {"name": "shop"}, "operations": [)" + operation + "]}";
}

inline std::string with_field(const std::string& field) {
  return R"({"databaseRef": {"name": "shop"}, "operations": )"
         R"([{"dropColumn": {"table": "t", "column": "c"}}], )" +
         field + "}";
}

inline std::string database(const std::string& field) {
  return R"({"connection": {"secretRef": {"name": "shop-db"}}, )" + field + "}";
}

inline std::string repeated(const std::string& item, int times) {
  std::string list = item;
  for (int i = 1; i < times; ++i) list += ", " + item;
  return list;
}

inline std::vector<BadObject> bad_objects() {
  const std::string switch_to =
      R"("switch": {"blueGreen": {"service": {"name": "s"}, "selectorKey": "track",
         "blue": {"deployment": "b", "value": "blue"},
         "green": {"deployment": "g", "value": "green"}})";
  const std::string drop = R"({"dropColumn": {"table": "t", "column": "c"}})";
  std::string umlauts;
  for (int i = 0; i < 32; ++i) umlauts += "\xC3\xA4";
  return {
      {"an unknown field", "Migration", with_field(R"("rolback": true)"), "spec.rolback"},
      {"a field of a later issue", "Migration", with_field(R"("tenantSelector": {})"),
       "spec.tenantSelector"},
      {"an unknown field of an operation", "Migration",
       with_operation(R"({"dropColumn": {"table": "t", "column": "c", "cascade": true}})"),
       "spec.operations[0].dropColumn.cascade"},
      {"an unknown kind of operation", "Migration", with_operation(R"({"dropKolumn": {}})"),
       "spec.operations[0].dropKolumn"},
      {"two kinds in one operation", "Migration",
       with_operation(R"({"dropColumn": {"table": "t", "column": "c"},
                          "setNotNull": {"table": "t", "column": "c"}})"),
       "spec.operations[0]"},
      {"no kind in an operation", "Migration", with_operation("{}"), "spec.operations[0]"},
      {"a missing field", "Migration", with_operation(R"({"dropColumn": {"table": "t"}})"),
       "spec.operations[0].dropColumn.column"},
      {"no operation", "Migration", R"({"databaseRef": {"name": "shop"}, "operations": []})",
       "spec.operations"},
      {"101 operations", "Migration", with_operation(repeated(drop, 101)), "spec.operations"},
      {"an empty name", "Migration",
       with_operation(R"({"renameColumn": {"table": "t", "from": "", "to": "b"}})"),
       "spec.operations[0].renameColumn.from"},
      {"a name of 64 bytes", "Migration",
       with_operation(R"({"renameColumn": {"table": "t", "from": "a", "to": ")" +
                      std::string(64, 'x') + R"("}})"),
       "spec.operations[0].renameColumn.to"},
      {"a name of 32 characters and 64 bytes", "Migration",
       with_operation(R"({"renameColumn": {"table": "t", "from": "a", "to": ")" + umlauts +
                      R"("}})"),
       "spec.operations[0].renameColumn.to"},
      {"a rename to the same name", "Migration",
       with_operation(R"({"renameColumn": {"table": "t", "from": "a", "to": "a"}})"),
       "spec.operations[0].renameColumn"},
      {"two sources of a column's value", "Migration",
       with_operation(R"({"addColumn": {"table": "t", "column":
                          {"name": "c", "type": "int", "default": "1", "identity": "Always"}}})"),
       "spec.operations[0].addColumn.column"},
      {"an unknown enum value", "Migration",
       with_operation(R"({"addColumn": {"table": "t", "column":
                          {"name": "c", "type": "int", "identity": "Sometimes"}}})"),
       "spec.operations[0].addColumn.column.identity"},
      {"an expression of spaces", "Migration",
       with_operation(R"({"dropColumn": {"table": "t", "column": "c", "down": "  "}})"),
       "spec.operations[0].dropColumn.down"},
      {"an expression of more than 10 kB", "Migration",
       with_operation(R"({"dropColumn": {"table": "t", "column": "c", "down": ")" +
                      std::string(10'241, '1') + R"("}})"),
       "spec.operations[0].dropColumn.down"},
      {"an index element that is both", "Migration",
       with_operation(R"({"createIndex": {"table": "t", "name": "i",
                          "columns": [{"name": "a", "expression": "b"}]}})"),
       "spec.operations[0].createIndex.columns[0]"},
      {"an index without columns", "Migration",
       with_operation(R"({"createIndex": {"table": "t", "name": "i", "columns": []}})"),
       "spec.operations[0].createIndex.columns"},
      {"SQL that does nothing", "Migration",
       with_operation(R"({"sql": {"rollback": ["SELECT 1"]}})"), "spec.operations[0].sql"},
      {"another exposure", "Migration", with_field(R"("exposure": "Views")"), "spec.exposure"},
      {"a wrong type", "Migration", with_field(R"("suspend": "yes")"), "spec.suspend"},
      {"a number for a duration", "Migration", with_field(R"("safety": {"lockTimeout": 500})"),
       "spec.safety.lockTimeout"},
      {"no lock timeout", "Migration", with_field(R"("safety": {"lockTimeout": "0s"})"),
       "spec.safety.lockTimeout"},
      {"a duration in days", "Migration", with_field(R"("contract": {"after": "1d"})"),
       "spec.contract.after"},
      {"a required Migration twice", "Migration", with_field(R"("requires": ["a", "a"])"),
       "spec.requires[1]"},
      {"a name that no object has", "Migration", with_field(R"("requires": ["A_b"])"),
       "spec.requires[0]"},
      {"two whose sessions are drained", "Migration",
       with_field(R"("contract": {"drain": {"old": {"applicationName": "a", "user": "b"}}})"),
       "spec.contract.drain.old"},
      {"nobody whose sessions are drained", "Migration",
       with_field(R"("contract": {"drain": {"new": {}}})"), "spec.contract.drain.new"},
      {"a switch of nothing", "Migration", with_field(R"("switch": {"bake": "1s"})"),
       "spec.switch.blueGreen"},
      {"a check of two kinds", "Migration",
       with_field(switch_to + R"(, "checks": [{"http": {"url": "http://a"},
                                              "sql": {"query": "SELECT true"}}]})"),
       "spec.switch.checks[0]"},
      {"a check without bounds", "Migration",
       with_field(switch_to +
                  R"(, "checks": [{"prometheus": {"url": "http://a", "query": "up"}}]})"),
       "spec.switch.checks[0].prometheus"},
      {"a check of a file", "Migration",
       with_field(switch_to + R"(, "checks": [{"http": {"url": "file:///etc/passwd"}}]})"),
       "spec.switch.checks[0].http.url"},
      {"a window without an end", "Migration",
       with_field(R"("windows": [{"cron": "0 9 * * 1-4"}])"), "spec.windows[0].duration"},
      {"17 windows", "Migration",
       with_field(R"("windows": [)" + repeated(R"({"cron": "0 9 * * 1-4", "duration": "1h"})", 17) +
                  "]"),
       "spec.windows"},
      {"an approval that is no hash", "Migration", with_field(R"("approval": {"planHash": "yes"})"),
       "spec.approval.planHash"},
      {"no connection", "Database", R"({"defaultSchema": "public"})", "spec.connection"},
      {"verify-full without a CA", "Database",
       R"({"connection": {"secretRef": {"name": "s"}, "tls": {"mode": "verify-full"}}})",
       "spec.connection.tls"},
      {"two sources of the pool's size", "Database",
       database(R"("pool": {"max": 10}, "sizing": {"applicationInstances": 4})"), "spec"},
      {"a pool that is smaller than its least", "Database",
       database(R"("pool": {"max": 4, "min": 5})"), "spec.pool"},
      {"nine replicas", "Database",
       database(R"("replicas": [)" + repeated(R"({"secretRef": {"name": "r"}})", 9) + "]"),
       "spec.replicas"},
      {"an unknown field of a Database", "Database", database(R"("nPlusOne": true)"),
       "spec.nPlusOne"},
  };
}

}  // namespace lockkeeper::crds::tests
