#include "reconciler/server_verdict.h"

#include <fmt/format.h>

#include "reconciler/reason_words.h"

namespace lockkeeper::reconcile {
namespace {

using crds::Reason;

constexpr int oldest = 130000;

Verdict recent(const ServerFacts& facts, const crds::DatabaseSpec&) {
  if (facts.server.version_num >= oldest) return open_gate();
  return closed(Reason::server_too_old,
                fmt::format("PostgreSQL {} is older than 13; hint: upgrade the server",
                            version_text(facts.server.version_num)));
}

Verdict primary(const ServerFacts& facts, const crds::DatabaseSpec&) {
  if (!facts.server.in_recovery) return open_gate();
  return closed(Reason::standby,
                "the server is a standby; hint: let the Secret lead to the primary, or list this "
                "one in spec.replicas");
}

Verdict least_power(const ServerFacts& facts, const crds::DatabaseSpec& spec) {
  if (!facts.server.superuser || spec.allow_superuser) return open_gate();
  return closed(Reason::superuser_refused,
                fmt::format("role {} is a superuser; hint: use the role that owns the tables, or "
                            "set spec.allowSuperuser",
                            facts.server.user));
}

using Rule = Verdict (*)(const ServerFacts&, const crds::DatabaseSpec&);
constexpr Rule rules[] = {recent, primary, least_power};

}  // namespace

Verdict judge_server(const ServerFacts& facts, const crds::DatabaseSpec& spec) {
  for (const Rule rule : rules) {
    if (Verdict verdict = rule(facts, spec); !verdict.open) return verdict;
  }
  return open_gate();
}

crds::Reason connection_reason(const base::Error& error) {
  if (error.code == base::ErrorCode::internal) return Reason::internal_error;
  return reason_of_word(error.reason).value_or(Reason::server_unavailable);
}

std::string version_text(int version_num) {
  constexpr int major = 10'000;
  return fmt::format("{}.{}", version_num / major, version_num % major);
}

}  // namespace lockkeeper::reconcile
