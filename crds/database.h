// Database: one PostgreSQL database and how to treat it. Plain values; the CRD is
// crds/yaml/databases.yaml and a test holds the two together.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crds/conditions.h"
#include "crds/meta.h"

namespace lockkeeper::crds {

struct SecretReference {
  std::string name;
  bool operator==(const SecretReference&) const = default;
};

struct SecretKeyReference {
  std::string name;
  std::string key = "ca.crt";
  bool operator==(const SecretKeyReference&) const = default;
};

// libpq's sslmode words.
enum class TlsMode { disable, prefer, require, verify_ca, verify_full };
std::string_view to_string(TlsMode mode);  // "verify-full"

struct TlsSpec {
  std::optional<TlsMode> mode;  // wins over the uri's sslmode; empty: that, else prefer
  std::optional<SecretKeyReference> ca_secret_ref;  // there when mode is verify_*
  bool operator==(const TlsSpec&) const = default;
};

struct ConnectionSpec {
  SecretReference secret_ref;  // keys uri, or host/port/user/password/dbname
  TlsSpec tls;
  bool operator==(const ConnectionSpec&) const = default;
};

struct PoolSpec {
  std::optional<int> max;  // empty: 20, or the recommended number when sizing is given
  std::optional<int> min;  // empty: 5, or max if that is less
  std::chrono::milliseconds acquire_timeout{5'000};
  std::chrono::milliseconds idle_timeout{60'000};
  bool operator==(const PoolSpec&) const = default;

  // recommended: of sql::recommended_pool_max, when sizing is given and the server was asked.
  [[nodiscard]] int effective_max(std::optional<int> recommended = {}) const;
  [[nodiscard]] int effective_min(std::optional<int> recommended = {}) const;
};

struct SizingSpec {
  int application_instances = 1;
  bool operator==(const SizingSpec&) const = default;
};

struct RetrySpec {
  int max_attempts = 5;
  std::chrono::milliseconds backoff{500};
  bool operator==(const RetrySpec&) const = default;
};

struct LoggingSpec {
  std::chrono::milliseconds slow_query{1'000};  // 0: never
  bool queries = false;
  bool operator==(const LoggingSpec&) const = default;
};

struct ReplicaSpec {
  SecretReference secret_ref;
  bool operator==(const ReplicaSpec&) const = default;
};

struct DatabaseSpec {
  ConnectionSpec connection;
  std::string role;  // SET ROLE to the owner; empty: stay who we are
  std::string default_schema = "public";
  bool suspend = false;
  bool allow_superuser = false;
  PoolSpec pool;
  std::optional<SizingSpec> sizing;
  std::chrono::milliseconds query_timeout{30'000};
  RetrySpec retry;
  LoggingSpec logging;
  std::vector<ReplicaSpec> replicas;
  bool operator==(const DatabaseSpec&) const = default;
};

struct PoolStatus {
  std::optional<int> recommended_max;  // empty without sizing
  int open = 0;
  int idle = 0;
  int waiting = 0;
  bool operator==(const PoolStatus&) const = default;
};

struct DatabaseStatus {
  std::int64_t observed_generation = -1;
  std::string server_version;  // "15.20"
  std::optional<PoolStatus> pool;
  Conditions conditions;
  bool operator==(const DatabaseStatus&) const = default;
};

struct Database {
  static constexpr std::string_view kind = "Database";
  static constexpr std::string_view plural = "databases";

  ObjectMeta metadata;
  DatabaseSpec spec;
  DatabaseStatus status;
  bool operator==(const Database&) const = default;
};

void describe(Fields& f, SecretReference& reference);
void describe(Fields& f, SecretKeyReference& reference);
void describe(Fields& f, DatabaseSpec& spec);
void describe(Fields& f, DatabaseStatus& status);

// Strict on spec; what is not ours to judge (metadata, another version's status) is read leniently.
base::Result<Database> decode_database(const Json& object);
Json encode(const Database& database);
// The body of a server-side apply to /status: the resourceVersion that was read guards it.
Json status_patch(const Database& database);

}  // namespace lockkeeper::crds
