// All SQL that reads the catalog, named. Every query is set-based: it takes what it is about as one
// array and gives rows in a stated order, so their number does not depend on the number of objects.
// They print all names qualified and expect search_path=''. Columns that only newer servers have
// are chosen by server_version_num (13 and later).
//
// Pure; the parameters are those said beside each.
#pragma once

#include <span>
#include <string>

#include "dbcore/sql/statement.h"

namespace lockkeeper::catalog::queries {

sql::Fragment settings();           // for the transaction that reads
sql::Fragment server();             //
sql::Fragment system_identifier();  // may be forbidden: server() tells
sql::Fragment activity();           // state, sessions, oldest transaction (s), long queries
sql::Fragment schema_exists();      // $1 schema
sql::Fragment tables(int version);  // $1 schema, $2 names
// $1 oids of tables:
sql::Fragment columns(int version);
sql::Fragment indexes(int version);
sql::Fragment constraints();
sql::Fragment triggers();
sql::Fragment policies();
sql::Fragment incoming_references();
sql::Fragment dependents();
sql::Fragment statistics(int version);
sql::Fragment children();  // of all levels
sql::Fragment publications(int version);
sql::Fragment view_reads();      // what reads what, one row an edge
sql::Fragment views();           // $1 oids of views
sql::Fragment relation_names();  // $1 schema, $2 names
sql::Fragment functions();       // $1 names, as asked
sql::Fragment known_types();     // $1 texts; under type_search_path()
sql::Fragment types();           // $1 oids, $2 modifiers
// For one transaction: pg_catalog, then the schema, and nothing else.
sql::Fragment type_search_path(const sql::Identifier& schema);
// No row, one column a text: its modifier stands in the answer's description.
sql::Fragment type_modifiers(std::span<const std::string> checked_texts);

}  // namespace lockkeeper::catalog::queries
