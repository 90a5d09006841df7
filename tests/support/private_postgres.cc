#include "tests/support/private_postgres.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "tests/support/await.h"
#include "tests/support/pg_connection.h"
#include "tests/support/scratch.h"

namespace lockkeeper::support {
namespace {

namespace fs = std::filesystem;

// The server refuses to run as root; then it is Debian's user of that name who runs it.
ProcessOptions as_server_user() {
  ProcessOptions options;
  options.user = "postgres";
  return options;
}

void give_to_server_user(const fs::path& path) {
  if (::geteuid() != 0) return;
  const passwd* entry = ::getpwnam("postgres");
  if (entry == nullptr || ::chown(path.c_str(), entry->pw_uid, entry->pw_gid) != 0) {
    throw std::runtime_error("cannot give " + path.string() + " to user postgres");
  }
}

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    if (std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.') {
      out += static_cast<char>(c);
    } else {
      out += fmt::format("%{:02X}", c);
    }
  }
  return out;
}

std::optional<std::unique_ptr<PrivatePostgres>>& shared_slot() {
  static std::optional<std::unique_ptr<PrivatePostgres>> slot;
  return slot;
}

}  // namespace

fs::path PrivatePostgres::programs() {
  for (const char* version : {"15", "16", "17", "14", "13"}) {
    fs::path folder = fs::path("/usr/lib/postgresql") / version / "bin";
    if (fs::exists(folder / "initdb")) return folder;
  }
  throw std::runtime_error("no PostgreSQL server below /usr/lib/postgresql");
}

void PrivatePostgres::prepare_folder() {
  folder_ = scratch_dir("pg");
  give_to_server_user(folder_);
  port_ = free_port();
}

PrivatePostgres::PrivatePostgres(PostgresOptions options) : options_(std::move(options)) {
  prepare_folder();
  run_checked({programs() / "initdb", "-N", "-D", folder_ / "data", "-U", "postgres",
               "--auth-host=scram-sha-256", "--auth-local=trust", "-E", "UTF8", "--locale=C.UTF-8"},
              as_server_user());
  if (options_.ssl) make_certificates();
  write_settings();
  start();
  execute("postgres", "ALTER ROLE postgres PASSWORD 'postgres'");
}

PrivatePostgres::PrivatePostgres(const PrivatePostgres& primary, int base_backup_of_port)
    : options_(primary.options_) {
  prepare_folder();
  run_checked({programs() / "pg_basebackup", "-N", "-c", "fast", "-R", "-X", "stream", "-D",
               folder_ / "data", "-h", primary.folder_, "-p", std::to_string(base_backup_of_port),
               "-U", "postgres"},
              as_server_user());
  if (options_.ssl) make_certificates();
  write_settings();
  start();
}

PrivatePostgres::~PrivatePostgres() {
  try {
    stop(StopMode::immediate);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
  }
}

PrivatePostgres& PrivatePostgres::shared() {
  auto& slot = shared_slot();
  if (!slot) slot = std::make_unique<PrivatePostgres>();
  return **slot;
}

void PrivatePostgres::stop_shared() {
  shared_slot().reset();
}

void PrivatePostgres::write_settings() const {
  std::string text = read_file(folder_ / "data/postgresql.conf");
  text += fmt::format(
      "\nport = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\n"
      "max_connections = 100\nshared_buffers = 64MB\nlog_lock_waits = on\n"
      "log_line_prefix = '%m [%p] %a %u '\nmax_wal_size = 2GB\n",
      port_, folder_.string());
  if (!options_.fsync) text += "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n";
  if (options_.ssl) {
    text +=
        fmt::format("ssl = on\nssl_cert_file = '{0}/server.crt'\nssl_key_file = '{0}/server.key'\n",
                    folder_.string());
  }
  for (const auto& line : options_.settings) text += line + "\n";
  write_file(folder_ / "data/postgresql.conf", text);
}

void PrivatePostgres::make_certificates() const {
  ProcessOptions here;
  here.directory = folder_;
  const std::string script =
      "exec 2>&1; set -e; curve='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7'\n"
      "openssl req -x509 $curve -keyout ca.key -out ca.crt -subj '/CN=private test authority'\n"
      "openssl req $curve -keyout server.key -out server.csr -subj /CN=localhost\n"
      "printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\n' >extensions\n"
      "openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 7 "
      "-extfile extensions -out server.crt\nchmod 600 server.key; chmod 644 ca.crt";
  run_checked({"bash", "-c", script}, here);
  give_to_server_user(folder_ / "server.key");
  give_to_server_user(folder_ / "server.crt");
}

void PrivatePostgres::launch() {
  auto options = as_server_user();
  options.output = folder_ / "postgres.log";
  options.guard_signal = SIGQUIT;
  postmaster_ = std::make_unique<Process>(
      std::vector<std::string>{programs() / "postgres", "-D", folder_ / "data"}, options);
}

void PrivatePostgres::start() {
  // After a crash the old backends hold the shared memory for a moment, and the server refuses to
  // start beside them: it is asked again until they are gone.
  const auto started = [this] {
    launch();
    const auto settled = [this] { return accepts_connections() || !postmaster_->running(); };
    return await(settled, std::chrono::seconds(60)) && postmaster_->running();
  };
  if (!await(started)) throw std::runtime_error("the server did not start:\n" + log());
}

bool PrivatePostgres::accepts_connections() const {
  // Its first line is the postmaster's pid (one of before may be there still), its last says
  // "ready".
  const auto text = read_file(folder_ / "data/postmaster.pid");
  return text.rfind(std::to_string(postmaster_->pid()) + "\n", 0) == 0 &&
         text.find("\nready") != std::string::npos;
}

void PrivatePostgres::stop(StopMode mode) {
  if (!postmaster_ || !postmaster_->running()) return;
  postmaster_->signal(mode == StopMode::fast ? SIGINT : SIGQUIT);
  if (!postmaster_->wait(std::chrono::seconds(30))) {
    postmaster_->kill();
    throw std::runtime_error("the server did not stop:\n" + log());
  }
}

void PrivatePostgres::restart(StopMode mode) {
  stop(mode);
  start();
}

void PrivatePostgres::crash() {
  postmaster_->kill();
}

std::string PrivatePostgres::create_database(std::string_view owner) {
  static std::atomic<int> made{0};
  auto name = fmt::format("test_{}", ++made);
  execute("postgres", fmt::format("CREATE DATABASE {} OWNER {}", name,
                                  quoted(owner.empty() ? "postgres" : owner)));
  return name;
}

void PrivatePostgres::create_role(std::string_view name, std::string_view attributes) {
  execute("postgres",
          fmt::format("CREATE ROLE {} LOGIN PASSWORD '{}' {}", quoted(name), name, attributes));
}

std::string PrivatePostgres::uri(std::string_view role, std::string_view database,
                                 std::string_view password) const {
  return fmt::format("postgresql://{}:{}@127.0.0.1:{}/{}?sslmode={}", percent_encoded(role),
                     percent_encoded(password.empty() ? role : password), port_,
                     percent_encoded(database), options_.ssl ? "require" : "disable");
}

std::string PrivatePostgres::uri_through(int port, std::string_view role,
                                         std::string_view database) const {
  return fmt::format("postgresql://{0}:{0}@127.0.0.1:{1}/{2}?sslmode={3}", percent_encoded(role),
                     port, percent_encoded(database), options_.ssl ? "require" : "disable");
}

std::string PrivatePostgres::socket_uri(std::string_view role, std::string_view database) const {
  return fmt::format("postgresql://{}@/{}?host={}&port={}", percent_encoded(role),
                     percent_encoded(database), percent_encoded(folder_.string()), port_);
}

std::string PrivatePostgres::sql(std::string_view database, const std::string& text,
                                 std::string_view role) const {
  return PgConnection(socket_uri(role, database)).exec(text);
}

void PrivatePostgres::execute(std::string_view database, const std::string& text,
                              std::string_view role) const {
  PgConnection(socket_uri(role, database)).exec(text);
}

std::string PrivatePostgres::dump_schema(std::string_view database,
                                         std::vector<std::string> more) const {
  std::vector<std::string> command = {programs() / "pg_dump", "-s", "-d",
                                      socket_uri("postgres", database)};
  for (auto& word : more) command.push_back(std::move(word));
  std::istringstream lines(run_checked(command));
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    const bool noise = line.empty() || line.rfind("--", 0) == 0 || line.rfind("SET ", 0) == 0 ||
                       line.rfind("SELECT pg_catalog.set_config", 0) == 0 || line[0] == '\\';
    if (!noise) out += line + "\n";
  }
  return out;
}

std::string PrivatePostgres::row_hash(std::string_view database, std::string_view table) const {
  return sql(database,
             fmt::format("SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) "
                         "FROM {} t",
                         table));
}

std::unique_ptr<PrivatePostgres> PrivatePostgres::make_replica() {
  return std::unique_ptr<PrivatePostgres>(new PrivatePostgres(*this, port_));
}

bool PrivatePostgres::caught_up(const PrivatePostgres& replica) const {
  // At the start of a page the place of the next record is not one that a replica can have reached.
  (void)sql("postgres", "SELECT pg_logical_emit_message(true, 'tests', 'a record')");
  const auto target = sql("postgres", "SELECT pg_current_wal_insert_lsn()");
  const auto question = fmt::format("SELECT pg_last_wal_replay_lsn() >= '{}'", target);
  return await([&] { return replica.sql("postgres", question) == "t"; });
}

std::string PrivatePostgres::log() const {
  return read_file(folder_ / "postgres.log");
}

}  // namespace lockkeeper::support
