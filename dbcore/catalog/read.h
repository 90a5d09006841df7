// Rows of queries.h into the members of a Catalog. Used by inspect*.cc alone.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "dbcore/catalog/catalog.h"
#include "dbcore/sql/rows.h"

namespace lockkeeper::catalog::detail {

// The tables of a Catalog by oid; lives as long as it.
class TablesByOid {
 public:
  // Null when it was dropped between two queries.
  [[nodiscard]] Table* find(std::int64_t oid) const;
  void add(Table& table) { tables_[table.oid] = &table; }

 private:
  std::map<Oid, Table*> tables_;
};

// What the queries after that for tables ask about, as texts of oids.
struct Oids {
  std::vector<std::string> target;   // tables that were asked for
  std::vector<std::string> full;     // these and the related that are read in full
  std::vector<std::string> related;  // all
};

Server read_server(const sql::Row& row);
Oids read_tables(const sql::Rows& rows, Catalog& into, TablesByOid& tables);
void read_columns(const sql::Rows& rows, const TablesByOid& tables);
void read_indexes(const sql::Rows& rows, const TablesByOid& tables);
void read_constraints(const sql::Rows& rows, const TablesByOid& tables);
void read_triggers(const sql::Rows& rows, const TablesByOid& tables);
void read_policies(const sql::Rows& rows, const TablesByOid& tables);
void read_incoming_references(const sql::Rows& rows, const TablesByOid& tables);
void read_dependents(const sql::Rows& rows, const TablesByOid& tables);
void read_statistics(const sql::Rows& rows, const TablesByOid& tables);
void read_children(const sql::Rows& rows, const TablesByOid& tables);
void read_publications(const sql::Rows& rows, const TablesByOid& tables);

// Views by oid from the edges of view_reads(): reads and depth.
std::map<Oid, View> read_view_reads(const sql::Rows& rows);
// The rest of them, innermost first; views that are gone by now are left out.
std::vector<View> read_views(const sql::Rows& rows, std::map<Oid, View> views);

void read_functions(const sql::Rows& rows, std::map<std::string, Function>& into);
// The functions that the tables' defaults call, as functions() takes them.
std::set<std::string> default_functions(const Catalog& catalog);
// Sets default_volatile from what functions() said of them.
void mark_volatile_defaults(const std::map<std::string, Function>& known, Catalog& catalog);

}  // namespace lockkeeper::catalog::detail
