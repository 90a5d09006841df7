// Reads a Catalog: in bulk (a fixed number of queries, whatever the number of objects), in one
// REPEATABLE READ READ ONLY snapshot, pipelined; in the transaction that is open, if one is (then
// jit and search_path are set to off and nothing until it ends). Stateless.
//
// The server prints definitions from what is committed, not from the snapshot: a change that
// commits meanwhile can show in a part of the picture, and in the whole of the next one. Views and
// sizes take ACCESS SHARE for a moment, so unavailable (55P03) is possible.
#pragma once

#include <set>
#include <string>

#include "dbcore/base/context.h"
#include "dbcore/catalog/catalog.h"
#include "dbcore/sql/session.h"

namespace lockkeeper::catalog {

struct Request {
  sql::Identifier schema = sql::Identifier::trusted("public");
  std::set<std::string> tables;     // by name in the schema; one that does not exist is left out
  std::set<std::string> types;      // texts, already checked by sql::parse::type_name
  std::set<std::string> functions;  // "name" (pg_catalog) or "schema.name"
  std::set<std::string> names;  // relation names to look up in the schema (index names to be made)
};

base::Result<Catalog> inspect(const base::Context& ctx, sql::Session& session,
                              const Request& request);
// The server part alone: one cheap query.
base::Result<Server> inspect_server(const base::Context& ctx, sql::Session& session);

}  // namespace lockkeeper::catalog
