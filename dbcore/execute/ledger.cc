// Making the ledger and bringing it to this version's form.
#include <fmt/format.h>

#include <chrono>

#include "dbcore/execute/journal.h"
#include "dbcore/execute/ledger_steps.h"
#include "dbcore/sql/advisory_lock.h"
#include "dbcore/sql/sqlstate.h"

namespace lockkeeper::execute::journal {
namespace {

using base::Context;
using base::Result;
using namespace std::chrono_literals;

constexpr std::string_view no_such_schema = "3F000";
constexpr auto install_patience = 30s;
constexpr auto poll_pause = 50ms;

struct Rights {
  std::string database;
  std::string role;
  bool schema_exists = false;
  bool may_use_schema = false;
  bool may_create_schema = false;
};

Result<Rights> read_rights(const Context& ctx, sql::Session& session) {
  TRY(const auto rows,
      session.execute(ctx,
                      "SELECT pg_catalog.current_database(), current_user, n.oid IS NOT NULL,"
                      " coalesce(pg_catalog.has_schema_privilege(n.oid, 'CREATE, USAGE'), false),"
                      " pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')"
                      " FROM (SELECT pg_catalog.to_regnamespace('lockkeeper')::oid) AS n(oid)"));
  const auto row = rows[0];
  return Rights{.database = row.text(0),
                .role = row.text(1),
                .schema_exists = row.boolean(2),
                .may_use_schema = row.boolean(3),
                .may_create_schema = row.boolean(4)};
}

base::Error forbidden(const Rights& rights) {
  const auto role = sql::Identifier::trusted(rights.role);
  const auto cure = rights.schema_exists
                        ? sql::format("ALTER SCHEMA lockkeeper OWNER TO {};", role)
                        : sql::format(
                              "CREATE SCHEMA lockkeeper AUTHORIZATION {};  -- or: GRANT CREATE ON "
                              "DATABASE {} TO {};",
                              role, sql::Identifier::trusted(rights.database), role);
  return base::precondition(fmt::format("role {} may not make the ledger in database {}",
                                        rights.role, rights.database))
      .with_reason("LedgerForbidden")
      .with_detail(rights.schema_exists
                       ? "schema lockkeeper belongs to another role and grants no CREATE"
                       : "schema lockkeeper does not exist and the role has no CREATE on the "
                         "database")
      .with_hint(fmt::format("as a superuser or the owner, in database {}: {}", rights.database,
                             cure.text()));
}

int current_version() {
  return static_cast<int>(ledger_steps().size());
}

// -1: there is none. One cheap query, which is all that an installed ledger costs.
Result<int> read_version(const Context& ctx, sql::Session& session) {
  auto rows = session.execute(ctx, "SELECT pg_catalog.max(version) FROM lockkeeper.version");
  if (rows) return (*rows)[0].is_null(0) ? -1 : static_cast<int>((*rows)[0].integer(0));
  const auto& state = rows.error().sqlstate;
  if (state == sql::sqlstate::undefined_table || state == no_such_schema) return -1;
  if (state != sql::sqlstate::insufficient_privilege) return rows.error();
  TRY(const auto rights, read_rights(ctx, session));
  return forbidden(rights);
}

Result<bool> up_to_date(const Context& ctx, sql::Session& session, int& version) {
  TRY(version, read_version(ctx, session));
  if (version <= current_version()) return version == current_version();
  return base::precondition(fmt::format("the ledger has form {}, this program knows up to {}",
                                        version, current_version()))
      .with_reason("LedgerTooNew")
      .with_hint("run the version of lockkeeper that wrote it, or a later one");
}

Result<void> apply_step(const Context& ctx, sql::Session& session, int version, bool make_schema) {
  std::vector<sql::Statement> statements;
  statements.emplace_back("BEGIN");
  // Metadata of our own tables only: whoever reads them meanwhile is not made to wait long.
  statements.emplace_back("SET LOCAL lock_timeout = '500ms'");
  if (make_schema) statements.emplace_back("CREATE SCHEMA lockkeeper");
  for (const auto text : ledger_steps()[static_cast<std::size_t>(version)]) {
    statements.emplace_back(sql::Fragment::trusted(text));
  }
  statements.emplace_back("INSERT INTO lockkeeper.version (version) VALUES ($1::int)");
  statements.back().bind(version + 1);
  statements.emplace_back("COMMIT");
  const auto done = session.pipeline(ctx, statements);
  if (done) return {};
  if (session.in_transaction()) {
    TRY_OK(session.execute(ctx, "ROLLBACK"));
  }
  return done.error();
}

Result<void> upgrade(const Context& ctx, sql::Session& session) {
  int version = -1;
  TRY(const bool current, up_to_date(ctx, session, version));
  if (current) return {};
  TRY(const auto rights, read_rights(ctx, session));
  if (rights.schema_exists ? !rights.may_use_schema : !rights.may_create_schema) {
    return forbidden(rights);
  }
  for (int next = std::max(version, 0); next < current_version(); ++next) {
    auto applied = apply_step(ctx, session, next, next == 0 && !rights.schema_exists);
    if (applied) continue;
    if (applied.error().sqlstate == sql::sqlstate::insufficient_privilege) {
      return forbidden(rights).with_detail(applied.error().message);
    }
    return std::move(applied).error().within("cannot bring the ledger up to date");
  }
  ctx.log().info("ledger brought up to date", {{"from", version}, {"to", current_version()}});
  return {};
}

}  // namespace

Result<void> install(const Context& ctx, sql::Session& session) {
  int version = -1;
  TRY(const bool current, up_to_date(ctx, session, version));
  if (current) return {};
  const auto bounded = ctx.with_timeout(install_patience);
  while (true) {
    TRY(auto lock, sql::AdvisoryLock::try_acquire(bounded, session, {"lockkeeper:install"},
                                                  sql::AdvisoryMode::exclusive));
    if (lock) {
      TRY_OK(upgrade(bounded, session));
      return lock->release(bounded);
    }
    TRY_OK(bounded.sleep(poll_pause));
    TRY(const bool meanwhile, up_to_date(bounded, session, version));
    if (meanwhile) return {};
  }
}

Result<bool> uninstall(const Context& ctx, sql::Session& session) {
  TRY(const int version, read_version(ctx, session));
  if (version < 0) return false;
  TRY(auto transaction, sql::Transaction::begin(ctx, session));
  TRY_OK(session.execute(ctx, "SET LOCAL lock_timeout = '2s'"));
  // Nobody begins a Migration between the question and the deed.
  TRY_OK(session.execute(ctx, "LOCK TABLE lockkeeper.migration IN ACCESS EXCLUSIVE MODE"));
  TRY(const bool over,
      session.ask(ctx,
                  "SELECT NOT EXISTS (SELECT FROM lockkeeper.migration WHERE state NOT IN"
                  " ('completed', 'rolled_back'))"));
  if (!over) {
    return base::precondition("a Migration in this ledger is not over")
        .with_reason("LedgerInUse")
        .with_hint("let it complete, or roll it back");
  }
  TRY_OK(session.execute(ctx, "DROP SCHEMA lockkeeper CASCADE"));
  TRY_OK(transaction.commit(ctx));
  return true;
}

std::string install_sql() {
  std::string text = "CREATE SCHEMA lockkeeper;\n";
  int version = 0;
  for (const auto& step : ledger_steps()) {
    for (const auto statement : step) {
      text += statement.starts_with('\n') ? statement.substr(1) : statement;
      text += ";\n";
    }
    text += fmt::format("INSERT INTO lockkeeper.version (version) VALUES ({});\n", ++version);
  }
  return text;
}

}  // namespace lockkeeper::execute::journal
