#include "reconciler/gates/checks.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "reconciler/connection.h"
#include "reconciler/gates/answers.h"
#include "reconciler/json_view.h"

namespace lockkeeper::reconcile {
namespace {

constexpr milliseconds prometheus_timeout{5'000};
constexpr milliseconds sql_timeout{10'000};

// A check that cannot be asked has failed: gates fail closed.
Complaint complaint_of(const base::Error& error) {
  return error.text();
}

base::Result<HttpProbeAnswer> ask(const Situation& s, const HttpProbeRequest& request) {
  if (is_refused_host(request.url)) {
    return base::precondition("a link-local address is never asked")
        .with_reason("CheckHostRefused");
  }
  return s.world.http.get(s.world.ctx.with_timeout(request.timeout), request);
}

base::Result<Object> secret(const Situation& s, const std::string& name) {
  TRY(Object found, s.world.cluster.get(s.world.ctx, Kind::secret, {s.key().ns, name}));
  if (found != nullptr) return found;
  return base::precondition(fmt::format("there is no Secret {}", name))
      .with_reason("SecretNotFound");
}

base::Result<HttpProbeRequest> http_request(const Situation& s, const crds::HttpCheck& check) {
  HttpProbeRequest request{check.url, {}, {}, check.timeout};
  if (check.ca_secret_ref) {
    TRY(const Object ca, secret(s, check.ca_secret_ref->name));
    request.ca_pem = secret_value(*ca, check.ca_secret_ref->key).value_or("");
    if (request.ca_pem.empty()) {
      return base::precondition(fmt::format("there is no key {} in Secret {}",
                                            check.ca_secret_ref->key, check.ca_secret_ref->name));
    }
  }
  if (check.headers_secret_ref) {
    TRY(const Object headers, secret(s, check.headers_secret_ref->name));
    for (const auto& [name, encoded] : texts_at(*headers, {"data"})) {
      request.headers[name] = secret_value(*headers, name).value_or("");
    }
  }
  return request;
}

Complaint check_http(const Situation& s, const crds::HttpCheck& check) {
  const auto request = http_request(s, check);
  if (!request.ok()) return complaint_of(request.error());
  const auto answer = ask(s, *request);
  return answer.ok() ? judge_status(*answer, check.expect) : complaint_of(answer.error());
}

Complaint check_prometheus(const Situation& s, const crds::PrometheusCheck& check) {
  const auto answer = ask(s, {prometheus_url(check.url, check.query), {}, {}, prometheus_timeout});
  return answer.ok() ? judge_prometheus(*answer, check.min, check.max)
                     : complaint_of(answer.error());
}

Complaint check_sql(const Situation& s, const crds::SqlCheck& check) {
  std::shared_ptr<Rollout> rollout = s.rollout;
  if (check.replica) {
    const Key database{s.key().ns, s.spec().database_ref.name};
    const auto pool = s.world.pools.find(replica_key(database, 0));
    if (pool == nullptr) return "the Database has no replica that can be asked";
    rollout = s.world.rollout(pool);
  }
  if (rollout == nullptr) return "the Database is not connected";
  const auto answer = rollout->ask(s.world.ctx.with_timeout(sql_timeout), check.query);
  if (!answer.ok()) return complaint_of(answer.error());
  return *answer ? Complaint() : "the query gave false";
}

Complaint run_check(const Situation& s, const crds::CheckSpec& check) {
  if (check.http) return check_http(s, *check.http);
  if (check.sql) return check_sql(s, *check.sql);
  if (check.prometheus) return check_prometheus(s, *check.prometheus);
  return "no check is given";
}

std::string name_of_check(const crds::CheckSpec& check, std::size_t index) {
  const char* kind = check.http ? "http" : check.sql ? "sql" : "prometheus";
  return fmt::format("checks[{}] ({})", index, kind);
}

void look(const Situation& s, const crds::CheckSpec& check, CheckRecord& record) {
  record.complaint = run_check(s, check);
  record.passed = record.complaint.empty();
  record.failures = record.passed ? 0 : record.failures + 1;
  record.due = s.steady() + check.interval;
}

}  // namespace

ChecksVerdict run_checks(Situation& s) {
  const auto& checks = s.spec().switch_spec->checks;
  s.memory.checks.resize(checks.size());
  ChecksVerdict verdict;
  verdict.all_passed = true;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    CheckRecord& record = s.memory.checks[i];
    if (s.steady() >= record.due) look(s, checks[i], record);
    if (record.passed) continue;
    const std::string text = fmt::format("{}: {}", name_of_check(checks[i], i), record.complaint);
    if (record.failures >= checks[i].failures && !verdict.failed) verdict.failed = text;
    if (verdict.waiting_for.empty()) {
      verdict.waiting_for =
          fmt::format("{} ({} of {} failures)", text, record.failures, checks[i].failures);
    }
    verdict.all_passed = false;
  }
  return verdict;
}

}  // namespace lockkeeper::reconcile
