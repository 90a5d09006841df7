#include "dbcore/engine/engine.h"

#include <fmt/format.h>

#include <utility>

#include "dbcore/catalog/fingerprint.h"
#include "dbcore/catalog/inspect.h"
#include "dbcore/engine/preflight.h"
#include "dbcore/engine/story.h"
#include "dbcore/execute/facts.h"
#include "dbcore/plan/probe.h"

namespace lockkeeper::engine {
namespace {

using base::Context;
using base::Result;
using execute::Identity;
using execute::Record;
using namespace std::chrono_literals;

constexpr auto question_limit = 10s;

base::Error moved(const plan::Plan& plan, const std::vector<std::string>& found) {
  return base::conflict("the schema changed since the plan was made")
      .with_reason("SchemaMoved")
      .with_detail(catalog::difference(plan.facts, found));
}

Result<void> same_database(const Context& ctx, sql::Session& session, const Record& record) {
  TRY(const auto server, catalog::inspect_server(ctx, session));
  const bool same_system = record.system_identifier.empty() || server.system_identifier.empty() ||
                           record.system_identifier == server.system_identifier;
  if (same_system && record.database_oid == server.database_oid) return {};
  return base::precondition("the connection now leads to another database")
      .with_reason("WrongDatabase")
      .with_detail(fmt::format("the migration began in system {} database {}, this is system {} "
                               "database {}",
                               record.system_identifier, record.database_oid,
                               server.system_identifier, server.database_oid))
      .with_hint("point the Secret back at the database in which it began");
}

}  // namespace

Engine::Engine(std::shared_ptr<sql::Pool> pool, Observer observer)
    : pool_(std::move(pool)), observer_(std::move(observer)) {}

Result<plan::Plan> Engine::plan(const Context& ctx, const Identity& identity,
                                const std::vector<plan::Operation>& operations,
                                const std::set<std::string>& allow) {
  TRY(const auto request, plan::request(identity.schema, operations));
  TRY(const auto session, pool_->acquire(ctx));
  const plan::Options options{.allow = allow,
                              .rollout_id = plan::rollout_id(identity.schema, identity.name)};
  TRY(auto made, read_and_plan(ctx, *session, request, operations, options));
  TRY_OK(plan::probe(ctx, *session, made));
  return made;
}

// The signature is of the catalog's own snapshot: as long as it stands, nothing has changed since,
// the definitions that the server printed from after that snapshot included.
Result<plan::Plan> Engine::read_and_plan(const Context& ctx, sql::Session& session,
                                         const catalog::Request& request,
                                         const std::vector<plan::Operation>& operations,
                                         const plan::Options& options) {
  TRY(auto transaction,
      sql::Transaction::begin(ctx, session, sql::Isolation::repeatable_read_read_only));
  TRY(const auto catalog, catalog::inspect(ctx, session, request));
  TRY_OK(judge_server(catalog.server));
  TRY_OK(judge_tables(catalog));
  TRY_OK(check_ownership(ctx, session, catalog));
  TRY(auto made, plan::make(operations, catalog, options));
  TRY_OK(remember(ctx, session, made, request, catalog.server));
  TRY_OK(transaction.commit(ctx));
  return made;
}

Result<void> Engine::remember(const Context& ctx, sql::Session& session, const plan::Plan& plan,
                              const catalog::Request& request, const catalog::Server& server) {
  bool ledger = false;
  {
    const base::Lock lock(mutex_);
    seen_.reset();
    ledger = ledger_;
  }
  // What start() writes down are the facts of all the plan's tables.
  if (!ledger || execute::request_of(plan).tables != request.tables) return {};
  TRY(auto signature, execute::journal::signature(ctx, session, execute::relations_of(plan)));
  const base::Lock lock(mutex_);
  seen_ = Seen{plan.hash, std::move(signature), server};
  return {};
}

Result<std::optional<Record>> Engine::find(const Context& ctx, const Identity& identity) {
  TRY(const auto session, pool_->acquire(ctx));
  TRY_OK(execute::journal::install(ctx, *session));
  {
    const base::Lock lock(mutex_);
    ledger_ = true;
  }
  return execute::journal::find(ctx, *session, identity);
}

Result<Engine::Seen> Engine::see(const Context& ctx, sql::Session& session, const plan::Plan& plan,
                                 const catalog::Request& request, std::vector<std::string>& facts) {
  std::optional<Seen> seen;
  {
    const base::Lock lock(mutex_);
    seen = std::exchange(seen_, {});
  }
  if (seen && seen->plan_hash == plan.hash) {
    TRY(const auto now, execute::journal::signature(ctx, session, execute::relations_of(plan)));
    facts = plan.facts;
    if (now == seen->signature) return std::move(*seen);
  }
  TRY(auto state, execute::read_state(ctx, session, plan));
  // Read after the signature was: what changes from here on is found by the first step.
  TRY(const auto catalog, catalog::inspect(ctx, session, request));
  const auto found = catalog::facts(catalog);
  if (catalog::fingerprint(found) != plan.fingerprint) return moved(plan, found);
  facts = std::move(state.facts);
  return Seen{plan.hash, std::move(state.signature), catalog.server};
}

Result<Record> Engine::start(const Context& ctx, const Identity& identity, const plan::Plan& plan,
                             const std::vector<plan::Operation>& operations,
                             const std::string& approval_hash) {
  TRY(const auto session, pool_->acquire(ctx));
  TRY_OK(execute::journal::install(ctx, *session));
  TRY(const auto request, plan::request(identity.schema, operations));
  std::vector<std::string> facts;
  TRY(auto seen, see(ctx, *session, plan, request, facts));
  return execute::journal::start(ctx, *session,
                                 {.identity = identity,
                                  .plan = plan,
                                  .operations_hash = operations_hash(operations),
                                  .approval_hash = approval_hash,
                                  .system_identifier = seen.server.system_identifier,
                                  .database_oid = seen.server.database_oid,
                                  .facts = std::move(facts),
                                  .signature = std::move(seen.signature)});
}

Result<Record> Engine::adopt(const Context& ctx, const Record& record) {
  TRY(const auto session, pool_->acquire(ctx));
  TRY_OK(same_database(ctx, *session, record));
  TRY(const auto fence, execute::take_over(ctx, *session, record.id));
  TRY(auto found, execute::journal::find(ctx, *session, record.identity));
  if (!found || found->id != record.id || found->epoch != fence.epoch) {
    return base::conflict("the migration changed while it was adopted");
  }
  return std::move(*found);
}

Result<Record> Engine::work(const Context& ctx, const Record& record, const Tuning& tuning,
                            execute::Progress& progress,
                            Result<void> (*story)(const Context&, execute::Job&)) {
  const auto logged = ctx.with_log("migration", record.identity.name);
  execute::Job job(*pool_, record,
                   {.backfill = tuning.backfill,
                    .lock_timeout = tuning.lock_timeout,
                    .query_timeout = tuning.query_timeout,
                    .observer = observer_},
                   progress);
  TRY_OK(execute::Executor(job).refresh(logged));
  TRY_OK(story(logged, job));
  TRY_OK(execute::Executor(job).refresh(logged));
  return job.record();
}

Result<Record> Engine::expand(const Context& ctx, const Record& record, const Tuning& tuning,
                              execute::Progress& progress) {
  return work(ctx, record, tuning, progress, engine::expand);
}

Result<Record> Engine::contract(const Context& ctx, const Record& record, const Tuning& tuning,
                                execute::Progress& progress) {
  return work(ctx, record, tuning, progress, engine::contract);
}

Result<Record> Engine::roll_back(const Context& ctx, const Record& record, const Tuning& tuning,
                                 execute::Progress& progress) {
  return work(ctx, record, tuning, progress, engine::roll_back);
}

Result<std::optional<Drift>> Engine::drift(const Context& ctx, const Record& record) {
  TRY(const auto session, pool_->acquire(ctx));
  // The ledger's own word: a job may have gone on since the caller read the record.
  TRY(const auto found, execute::journal::find(ctx, *session, record.identity));
  if (!found || found->id != record.id) {
    return base::conflict("the migration is no longer in the ledger");
  }
  const bool terminal = found->state == execute::State::completed ||
                        found->state == execute::State::rolled_back ||
                        found->state == execute::State::rolling_back;
  if (terminal) return std::optional<Drift>();
  TRY(auto difference, execute::difference(ctx, *session, *found));
  if (difference.empty()) return std::optional<Drift>();
  return std::optional<Drift>(Drift{std::move(difference)});
}

Result<std::vector<SessionInfo>> Engine::sessions(const Context& ctx, const SessionFilter& filter) {
  TRY(const auto session, pool_->acquire(ctx));
  sql::Statement ask(
      "SELECT pid, coalesce(usename, ''), coalesce(application_name, ''), coalesce(state, '')"
      " FROM pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database()"
      " AND pid <> pg_catalog.pg_backend_pid()"
      " AND coalesce(backend_type, 'client backend') = 'client backend'"
      " AND ($1 = '' OR application_name = $1) AND ($2 = '' OR usename = $2)"
      " ORDER BY pid");
  ask.bind(filter.application_name).bind(filter.user);
  TRY(const auto rows, session->execute(ctx, ask));
  std::vector<SessionInfo> found;
  for (const sql::Row row : rows) {
    found.push_back({.pid = static_cast<int>(row.integer(0)),
                     .user = row.text(1),
                     .application_name = row.text(2),
                     .state = row.text(3)});
  }
  return found;
}

Result<bool> Engine::ask(const Context& ctx, const std::string& query) {
  TRY(const auto session, pool_->acquire(ctx));
  const auto bounded = ctx.with_timeout(question_limit);
  TRY(auto transaction,
      sql::Transaction::begin(bounded, *session, sql::Isolation::repeatable_read_read_only));
  TRY(const auto rows, session->execute(bounded, sql::Fragment::trusted(query)));
  TRY_OK(transaction.rollback(bounded));
  if (rows.size() != 1 || rows.columns() != 1) {
    return base::invalid("the query must give one row with one boolean")
        .with_detail(fmt::format("it gave {} rows of {} columns", rows.size(), rows.columns()));
  }
  if (rows.type_oid(0) != 16) return base::invalid("the query must give a boolean");
  return rows[0].boolean(0);
}

Result<void> Engine::orphan(const Context& ctx, const Identity& identity) {
  TRY(const auto session, pool_->acquire(ctx));
  return execute::journal::mark_orphaned(ctx, *session, identity);
}

}  // namespace lockkeeper::engine
