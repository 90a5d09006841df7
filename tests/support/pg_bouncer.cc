#include "tests/support/pg_bouncer.h"

#include <fmt/format.h>

#include "tests/support/scratch.h"

namespace lockkeeper::support {
namespace {

constexpr const char* program = "/usr/sbin/pgbouncer";

}  // namespace

bool PgBouncer::installed() {
  return std::filesystem::exists(program);
}

PgBouncer::PgBouncer(const PrivatePostgres& pg, const std::string& database,
                     const std::string& role, const std::string& mode, int pool_size)
    : port_(free_port()) {
  const auto folder = scratch_dir("pgbouncer");
  write_file(folder / "users.txt", fmt::format("\"{}\" \"\"\n", role));
  write_file(folder / "pgbouncer.ini",
             fmt::format("[databases]\n{} = host={} port={}\n[pgbouncer]\nlisten_addr=127.0.0.1\n"
                         "listen_port={}\nunix_socket_dir=\nauth_type=trust\nauth_file={}\n"
                         "pool_mode={}\ndefault_pool_size={}\n",
                         database, pg.socket_dir().string(), pg.port(), port_,
                         (folder / "users.txt").string(), mode, pool_size));
  ProcessOptions options;
  options.user = "postgres";
  process_.emplace(std::vector<std::string>{program, (folder / "pgbouncer.ini").string()}, options);
}

}  // namespace lockkeeper::support
