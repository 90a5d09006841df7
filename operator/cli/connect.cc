#include "operator/cli/connect.h"

#include "dbcore/sql/conninfo.h"

namespace lockkeeper::cli {

base::Result<sql::Endpoint> endpoint_of(const DatabaseOptions& options) {
  TRY(sql::Endpoint endpoint, sql::parse_conninfo(options.url, sql::ConninfoSource::command_line));
  endpoint.role = options.role;
  return endpoint;
}

sql::PoolOptions pool_options() {
  sql::PoolOptions options;
  options.max = 8;
  options.min = 0;
  // A person waits: what does not answer now is told now.
  options.retry.max_attempts = 2;
  options.settings.application_name = "lockkeeper";
  return options;
}

base::Result<std::shared_ptr<sql::Pool>> open_pool(const DatabaseOptions& options) {
  TRY(sql::Endpoint endpoint, endpoint_of(options));
  return std::make_shared<sql::Pool>(std::move(endpoint), pool_options());
}

base::Result<bool> has_ledger(const base::Context& ctx, sql::Session& session) {
  return session.ask(ctx, sql::Statement("SELECT to_regclass('lockkeeper.migration') IS NOT NULL"));
}

}  // namespace lockkeeper::cli
