#include "dbcore/execute/facts.h"

#include "dbcore/catalog/fingerprint.h"

namespace lockkeeper::execute {
namespace {

using base::Context;
using base::Result;

constexpr int most_readings = 5;

std::vector<std::string> without(std::vector<std::string> facts, std::string_view own) {
  if (own.empty()) return facts;
  std::erase_if(facts,
                [&](const std::string& fact) { return fact.find(own) != std::string::npos; });
  return facts;
}

// Whoever was deposed meanwhile sees the successor's work as drift: the fence is asked first.
base::Error drift_or_fenced(const Context& ctx, Job& job, const std::string& difference) {
  auto session = job.session(ctx);
  if (!session) return std::move(session).error();
  auto transaction = begin_fenced(ctx, **session, job.fence());
  if (!transaction) return std::move(transaction).error();
  return drift_error(difference);
}

Result<void> write_state(const Context& ctx, Job& job, SchemaState state) {
  TRY(auto* const session, job.session(ctx));
  TRY(auto transaction, begin_fenced(ctx, *session, job.fence()));
  TRY_OK(journal::set_facts(ctx, *session, job.fence(), state.facts, state.signature));
  TRY_OK(transaction.commit(ctx));
  job.record().facts = std::move(state.facts);
  job.record().signature = state.signature;
  job.record().facts_signature = std::move(state.signature);
  return {};
}

}  // namespace

catalog::Request request_of(const plan::Plan& plan) {
  catalog::Request request;
  request.schema = sql::Identifier::trusted(plan.schema);
  for (const auto& table : plan.tables) {
    if (!table.view && table.schema == plan.schema) request.tables.insert(table.name);
  }
  return request;
}

std::vector<std::uint32_t> relations_of(const plan::Plan& plan) {
  std::vector<std::uint32_t> oids;
  oids.reserve(plan.tables.size());
  for (const auto& table : plan.tables) oids.push_back(table.oid);
  return oids;
}

base::Error drift_error(const std::string& difference) {
  return base::precondition("the schema was changed by somebody else")
      .with_reason("Drift")
      .with_detail(difference)
      .with_hint("take that change back, or roll this migration back");
}

Result<SchemaState> read_state(const Context& ctx, sql::Session& session, const plan::Plan& plan) {
  const auto relations = relations_of(plan);
  TRY(auto before, journal::signature(ctx, session, relations));
  for (int reading = 0; reading < most_readings; ++reading) {
    TRY(const auto catalog, catalog::inspect(ctx, session, request_of(plan)));
    TRY(auto after, journal::signature(ctx, session, relations));
    if (before == after) {
      return SchemaState{.facts = catalog::facts(catalog), .signature = std::move(after)};
    }
    before = std::move(after);
  }
  return base::conflict("the schema is being changed while it is read");
}

Result<std::string> difference(const Context& ctx, sql::Session& session, const Record& record) {
  TRY(const auto now, journal::signature(ctx, session, record.relations()));
  if (now == record.signature) return std::string();
  TRY(const auto state, read_state(ctx, session, record.plan));
  if (state.signature == record.signature) return std::string();
  return catalog::difference(record.facts, state.facts);
}

Result<void> expect_no_drift(const Context& ctx, Job& job, std::string_view own) {
  TRY(auto* const session, job.session(ctx));
  auto& record = job.record();
  TRY(const auto now, journal::signature(ctx, *session, record.relations()));
  if (now == record.signature) return {};
  TRY(auto state, read_state(ctx, *session, record.plan));
  if (record.facts_signature == record.signature &&
      without(state.facts, own) == without(record.facts, own)) {
    // The step that is not done yet will leave a signature of its own.
    return own.empty() ? write_state(ctx, job, std::move(state)) : Result<void>();
  }
  return drift_or_fenced(ctx, job, catalog::difference(record.facts, state.facts));
}

Result<void> settle_facts(const Context& ctx, Job& job) {
  auto& record = job.record();
  if (record.facts_signature == record.signature) return {};
  TRY(auto* const session, job.session(ctx));
  TRY(auto state, read_state(ctx, *session, record.plan));
  if (state.signature != record.signature) {
    return drift_or_fenced(ctx, job, catalog::difference(record.facts, state.facts));
  }
  return write_state(ctx, job, std::move(state));
}

}  // namespace lockkeeper::execute
