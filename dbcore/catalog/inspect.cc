#include "dbcore/catalog/inspect.h"

#include <array>

#include "dbcore/catalog/queries.h"
#include "dbcore/catalog/read.h"
#include "dbcore/catalog/resolve_types.h"
#include "dbcore/sql/transaction.h"

namespace lockkeeper::catalog {
namespace {

using base::Context;
using base::Result;
using sql::Session;
using sql::Statement;

std::vector<std::string> listed(const std::set<std::string>& values) {
  return {values.begin(), values.end()};
}

// Reads into one Catalog, in three round trips and those for types.
class Inspector {
 public:
  Inspector(const Context& ctx, Session& session, const Request& request)
      : ctx_(&ctx),
        session_(&session),
        request_(&request),
        version_(session.server_version_num()) {}

  Result<Catalog> read() {
    catalog_.schema = request_->schema;
    TRY_OK(read_heads());
    TRY_OK(read_parts());
    TRY_OK(read_rest());
    if (!request_->types.empty()) {
      TRY_OK(resolve_types(*ctx_, *session_, request_->schema, listed(request_->types), catalog_));
    }
    return std::move(catalog_);
  }

 private:
  static Statement about(const sql::Fragment& query, const std::vector<std::string>& values) {
    Statement statement(query);
    statement.bind(std::span<const std::string>(values));
    return statement;
  }

  Statement in_schema(const sql::Fragment& query) const {
    Statement statement(query);
    statement.bind(request_->schema.raw());
    return statement;
  }

  Statement in_schema(const sql::Fragment& query, const std::set<std::string>& names) const {
    const auto values = listed(names);
    Statement statement = in_schema(query);
    statement.bind(std::span<const std::string>(values));
    return statement;
  }

  Result<void> read_heads() {
    const std::array statements{Statement(queries::settings()), Statement(queries::server()),
                                in_schema(queries::schema_exists()),
                                in_schema(queries::tables(version_), request_->tables),
                                in_schema(queries::relation_names(), request_->names)};
    TRY(const auto rows, session_->pipeline(*ctx_, statements));
    if (rows[1].empty()) return base::internal("the server does not know its own database");
    catalog_.server = detail::read_server(rows[1][0]);
    identifier_allowed_ = rows[1][0].boolean(3);
    catalog_.schema_exists = !rows[2].empty();
    oids_ = detail::read_tables(rows[3], catalog_, tables_);
    for (const sql::Row row : rows[4]) catalog_.relation_names.push_back(row.text(0));
    return {};
  }

  Result<void> read_parts() {
    const std::array statements{about(queries::columns(version_), oids_.full),
                                about(queries::indexes(version_), oids_.related),
                                about(queries::constraints(), oids_.related),
                                about(queries::triggers(), oids_.full),
                                about(queries::policies(), oids_.full),
                                about(queries::incoming_references(), oids_.target),
                                about(queries::dependents(), oids_.target),
                                about(queries::children(), oids_.related),
                                about(queries::publications(version_), oids_.target),
                                about(queries::view_reads(), oids_.target),
                                about(queries::statistics(version_), oids_.target)};
    TRY(const auto rows, session_->pipeline(*ctx_, statements));
    detail::read_columns(rows[0], tables_);
    detail::read_indexes(rows[1], tables_);
    detail::read_constraints(rows[2], tables_);
    detail::read_triggers(rows[3], tables_);
    detail::read_policies(rows[4], tables_);
    detail::read_incoming_references(rows[5], tables_);
    detail::read_dependents(rows[6], tables_);
    detail::read_children(rows[7], tables_);
    detail::read_publications(rows[8], tables_);
    views_ = detail::read_view_reads(rows[9]);
    detail::read_statistics(rows[10], tables_);
    return {};
  }

  // What depends on the answers so far.
  Result<void> read_rest() {
    std::vector<std::string> views;
    for (const auto& [oid, view] : views_) views.push_back(std::to_string(oid));
    std::set<std::string> functions = detail::default_functions(catalog_);
    functions.insert(request_->functions.begin(), request_->functions.end());
    std::vector<Statement> statements{about(queries::views(), views),
                                      about(queries::functions(), listed(functions))};
    if (identifier_allowed_) statements.emplace_back(queries::system_identifier());
    TRY(const auto rows, session_->pipeline(*ctx_, statements));
    catalog_.views = detail::read_views(rows[0], std::move(views_));
    std::map<std::string, Function> known;
    detail::read_functions(rows[1], known);
    detail::mark_volatile_defaults(known, catalog_);
    for (const auto& asked : request_->functions) {
      if (const auto found = known.find(asked); found != known.end()) {
        catalog_.functions.insert(*found);
      }
    }
    if (identifier_allowed_) catalog_.server.system_identifier = rows[2][0].text(0);
    return {};
  }

  const Context* ctx_;
  Session* session_;
  const Request* request_;
  int version_;
  Catalog catalog_;
  detail::TablesByOid tables_;  // into catalog_
  detail::Oids oids_;
  std::map<Oid, View> views_;
  bool identifier_allowed_ = false;
};

Result<void> known_version(const Session& session) {
  constexpr int oldest = 130000;
  if (session.server_version_num() >= oldest) return {};
  return base::precondition("server is too old")
      .with_detail("its version is " + std::to_string(session.server_version_num()))
      .with_hint("PostgreSQL 13 or later is needed")
      .with_reason("ServerTooOld");
}

}  // namespace

base::Result<Catalog> inspect(const base::Context& ctx, sql::Session& session,
                              const Request& request) {
  TRY_OK(known_version(session));
  if (session.in_transaction()) return Inspector(ctx, session, request).read();
  TRY(auto transaction,
      sql::Transaction::begin(ctx, session, sql::Isolation::repeatable_read_read_only));
  TRY(Catalog catalog, Inspector(ctx, session, request).read());
  TRY_OK(transaction.commit(ctx));
  return catalog;
}

base::Result<Server> inspect_server(const base::Context& ctx, sql::Session& session) {
  TRY_OK(known_version(session));
  TRY(const auto rows, session.execute(ctx, Statement(queries::server())));
  if (rows.empty()) return base::internal("the server does not know its own database");
  Server server = detail::read_server(rows[0]);
  if (rows[0].boolean(3)) {
    TRY(const auto identifier, session.execute(ctx, Statement(queries::system_identifier())));
    server.system_identifier = identifier[0].text(0);
  }
  return server;
}

}  // namespace lockkeeper::catalog
