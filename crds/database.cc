#include "crds/database.h"

#include <algorithm>
#include <array>

#include "crds/envelope.h"
#include "crds/rules.h"

namespace lockkeeper::crds {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::array<std::string_view, 5> tls_modes = {"disable", "prefer", "require", "verify-ca",
                                                       "verify-full"};
constexpr int default_pool_max = 20;
constexpr int default_pool_min = 5;

}  // namespace

std::string_view to_string(TlsMode mode) {
  return tls_modes[static_cast<std::size_t>(mode)];
}

int PoolSpec::effective_max(std::optional<int> recommended) const {
  return max.value_or(recommended.value_or(default_pool_max));
}

int PoolSpec::effective_min(std::optional<int> recommended) const {
  return min.value_or(std::min(default_pool_min, effective_max(recommended)));
}

void describe(Fields& f, SecretReference& r) {
  f.text("name", r.name, rules::object_name);
}

void describe(Fields& f, SecretKeyReference& r) {
  f.text("name", r.name, rules::object_name);
  f.text("key", r.key, {.min = 1, .max = 253, .shape = &shapes::secret_key});
}

void describe(Fields& f, TlsSpec& t) {
  f.choice("mode", t.mode, tls_modes);
  f.object("caSecretRef", t.ca_secret_ref);
  const bool verifies = t.mode == TlsMode::verify_ca || t.mode == TlsMode::verify_full;
  f.check(!verifies || t.ca_secret_ref, "caSecretRef", "is required by the verify modes");
}

void describe(Fields& f, ConnectionSpec& c) {
  f.object("secretRef", c.secret_ref, Presence::required);
  f.object("tls", c.tls);
}

void describe(Fields& f, PoolSpec& p) {
  f.integer("max", p.max, {.min = 3, .max = 1'000});
  f.integer("min", p.min, {.min = 0, .max = 1'000});
  f.duration("acquireTimeout", p.acquire_timeout, {.min = milliseconds(100), .max = hours(1)});
  f.duration("idleTimeout", p.idle_timeout, {.min = milliseconds(1'000), .max = hours(24)});
  f.check(!p.min || *p.min <= p.max.value_or(default_pool_max), "min", "must not be above max");
}

void describe(Fields& f, SizingSpec& s) {
  f.integer("applicationInstances", s.application_instances,
            {.required = true, .min = 1, .max = 10'000});
}

void describe(Fields& f, RetrySpec& r) {
  f.integer("maxAttempts", r.max_attempts, {.min = 1, .max = 100});
  f.duration("backoff", r.backoff, {.min = milliseconds(10), .max = hours(1)});
}

void describe(Fields& f, LoggingSpec& l) {
  f.duration("slowQuery", l.slow_query, {.max = hours(24)});
  f.boolean("queries", l.queries);
}

void describe(Fields& f, ReplicaSpec& r) {
  f.object("secretRef", r.secret_ref, Presence::required);
}

void describe(Fields& f, DatabaseSpec& d) {
  f.object("connection", d.connection, Presence::required);
  f.text("role", d.role, rules::pg_name);
  f.text("defaultSchema", d.default_schema, rules::pg_name);
  f.boolean("suspend", d.suspend);
  f.boolean("allowSuperuser", d.allow_superuser);
  f.object("pool", d.pool);
  f.object("sizing", d.sizing);
  f.duration("queryTimeout", d.query_timeout, {.min = milliseconds(100), .max = hours(24)});
  f.object("retry", d.retry);
  f.object("logging", d.logging);
  f.list("replicas", d.replicas, {.max = 8});
  f.check(!d.sizing || !d.pool.max, "sizing", "give either sizing or pool.max");
}

void describe(Fields& f, PoolStatus& p) {
  f.integer("recommendedMax", p.recommended_max);
  f.integer("open", p.open);
  f.integer("idle", p.idle);
  f.integer("waiting", p.waiting);
}

void describe(Fields& f, DatabaseStatus& s) {
  f.integer("observedGeneration", s.observed_generation, {.min = -1});
  f.text("serverVersion", s.server_version, {.max = 128});
  f.object("pool", s.pool);
  describe_conditions(f, s.conditions);
}

base::Result<Database> decode_database(const Json& object) {
  return decode_object<Database, DatabaseSpec, DatabaseStatus>(object);
}

Json encode(const Database& database) {
  return encode_object(database);
}

Json status_patch(const Database& database) {
  return encode_status(database);
}

}  // namespace lockkeeper::crds
