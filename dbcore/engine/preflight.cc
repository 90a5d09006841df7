#include "dbcore/engine/preflight.h"

#include <fmt/format.h>

namespace lockkeeper::engine {

using base::Context;
using base::Result;

Result<void> judge_server(const catalog::Server& server) {
  if (!server.in_recovery) return {};
  return base::precondition(fmt::format("database {} is a standby", server.database))
      .with_reason("InRecovery")
      .with_hint("connect to the primary");
}

Result<void> judge_tables(const catalog::Catalog& catalog) {
  if (!catalog.schema_exists) {
    return base::precondition(fmt::format("schema {} does not exist", catalog.schema.raw()))
        .with_reason("NoSuchSchema");
  }
  const bool exempt = catalog.server.superuser || catalog.server.bypass_rls;
  for (const auto& [name, table] : catalog.tables) {
    if (!table.force_row_security || exempt) continue;
    return base::precondition(
               fmt::format("table {} has FORCE ROW LEVEL SECURITY", table.name.display()))
        .with_reason("ForceRowSecurity")
        .with_detail(fmt::format("role {} would not see every row, and could not know that a "
                                 "backfill is complete",
                                 catalog.server.user))
        .with_hint(fmt::format("ALTER ROLE {} BYPASSRLS, or take FORCE off the table",
                               sql::Identifier::trusted(catalog.server.user).quoted()));
  }
  return {};
}

Result<void> check_ownership(const Context& ctx, sql::Session& session,
                             const catalog::Catalog& catalog) {
  std::vector<std::string> oids;
  for (const auto& [name, table] : catalog.tables) oids.push_back(std::to_string(table.oid));
  sql::Statement ask(
      "SELECT c.oid::pg_catalog.regclass::text, pg_catalog.pg_get_userbyid(c.relowner),"
      " current_user::text FROM pg_catalog.pg_class c WHERE c.oid = ANY ($1::oid[])"
      " AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') ORDER BY 1 LIMIT 1");
  ask.bind(oids);
  TRY(const auto rows, session.execute(ctx, ask));
  if (rows.empty()) return {};
  const auto row = rows[0];
  return base::precondition(fmt::format("table {} belongs to another role", row.view(0)))
      .with_reason("NotOwner")
      .with_detail(fmt::format("its owner is {}, we are {}", row.view(1), row.view(2)))
      .with_hint(fmt::format("GRANT {} TO {}, or set spec.role",
                             sql::Identifier::trusted(row.view(1)).quoted(),
                             sql::Identifier::trusted(row.view(2)).quoted()));
}

}  // namespace lockkeeper::engine
