#include "reconciler/connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "dbcore/catalog/fingerprint.h"
#include "dbcore/sql/conninfo.h"
#include "reconciler/json_view.h"

namespace lockkeeper::reconcile {
namespace {

base::Error secret_missing(std::string message) {
  return base::precondition(std::move(message))
      .with_reason("SecretNotFound")
      .with_hint("it needs the key uri, or host, port, user, password and dbname");
}

// CloudNativePG and others say username.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> parts = {{
    {"host", "host"},
    {"port", "port"},
    {"user", "user"},
    {"username", "user"},
    {"dbname", "dbname"},
}};

sql::Endpoint from_parts(const Json& secret) {
  sql::Endpoint endpoint;
  for (const auto& [key, keyword] : parts) {
    auto value = secret_value(secret, key);
    if (value && !value->empty()) endpoint.parameters.emplace(keyword, std::move(*value));
  }
  endpoint.password = secret_value(secret, "password").value_or("");
  return endpoint;
}

base::Result<sql::Endpoint> from_secret(const Json& secret, const std::string& name) {
  sql::Endpoint endpoint;
  const auto uri = secret_value(secret, "uri");
  if (uri && !uri->empty()) {
    auto parsed = sql::parse_conninfo(*uri, sql::ConninfoSource::secret);
    if (!parsed.ok()) {
      base::Error error = std::move(parsed).error();
      error.code = base::ErrorCode::precondition;
      return std::move(error).within(fmt::format("key uri of Secret {}", name));
    }
    endpoint = std::move(parsed).value();
  } else {
    endpoint = from_parts(secret);
  }
  for (const char* needed : {"host", "user", "dbname"}) {
    if (!endpoint.parameters.contains(needed) &&
        !(needed == std::string_view("host") && endpoint.parameters.contains("hostaddr"))) {
      return secret_missing(fmt::format("Secret {} does not say the {}", name, needed));
    }
  }
  return endpoint;
}

// libpq wants a file. Its name has the content's hash: a new CA is a new endpoint, and a session
// that is being made never sees half a file.
base::Result<std::string> ca_file(const std::filesystem::path& folder, const std::string& pem) {
  const auto path = folder / fmt::format("ca-{}.crt", catalog::fingerprint({pem}).substr(0, 32));
  if (access(path.c_str(), R_OK) == 0) return path.string();
  const std::string draft = fmt::format("{}.{}", path.string(), getpid());
  const int file = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return base::unavailable(fmt::format("cannot write {}", draft));
  const bool written = write(file, pem.data(), pem.size()) == static_cast<ssize_t>(pem.size());
  close(file);
  if (!written || rename(draft.c_str(), path.c_str()) != 0) {
    unlink(draft.c_str());
    return base::unavailable(fmt::format("cannot write {}", path.string()));
  }
  return path.string();
}

base::Result<std::string> ca_of(const World& world, const std::string& ns,
                                const crds::SecretKeyReference& reference) {
  TRY(const Object secret, world.cluster.get(world.ctx, Kind::secret, {ns, reference.name}));
  const auto pem = secret ? secret_value(*secret, reference.key) : std::nullopt;
  if (!pem || pem->empty()) {
    return base::precondition(
               fmt::format("there is no key {} in Secret {}", reference.key, reference.name))
        .with_reason("SecretNotFound")
        .with_hint("spec.connection.tls.caSecretRef names it");
  }
  return ca_file(world.runtime_dir, *pem);
}

}  // namespace

base::Result<sql::Endpoint> endpoint_of(const World& world, const crds::Database& database,
                                        const crds::SecretReference& reference) {
  const std::string& ns = database.metadata.ns;
  TRY(const Object secret, world.cluster.get(world.ctx, Kind::secret, {ns, reference.name}));
  if (secret == nullptr) {
    return secret_missing(fmt::format("there is no Secret {}", reference.name));
  }
  TRY(auto endpoint, from_secret(*secret, reference.name));
  const crds::TlsSpec& tls = database.spec.connection.tls;
  if (tls.mode) endpoint.parameters["sslmode"] = to_string(*tls.mode);
  if (tls.ca_secret_ref) {
    TRY(endpoint.parameters["sslrootcert"], ca_of(world, ns, *tls.ca_secret_ref));
  }
  endpoint.role = database.spec.role;
  return endpoint;
}

sql::PoolOptions pool_options(const crds::DatabaseSpec& spec, std::optional<int> recommended) {
  sql::PoolOptions options;
  options.max = spec.pool.effective_max(recommended);
  options.min = spec.pool.effective_min(recommended);
  options.acquire_timeout = spec.pool.acquire_timeout;
  options.idle_timeout = spec.pool.idle_timeout;
  options.retry = {spec.retry.max_attempts, spec.retry.backoff};
  options.settings.statement_timeout = spec.query_timeout;
  options.settings.slow_query = spec.logging.slow_query;
  options.settings.log_queries = spec.logging.queries;
  return options;
}

}  // namespace lockkeeper::reconcile
