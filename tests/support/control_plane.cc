#include "tests/support/control_plane.h"

#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <stdexcept>

#include "tests/support/await.h"
#include "tests/support/operator_process.h"
#include "tests/support/paths.h"
#include "tests/support/scratch.h"

namespace lockkeeper::support {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<ControlPlane>& shared_slot() {
  static std::unique_ptr<ControlPlane> slot;
  return slot;
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const auto start = text.rfind('\n');
  return start == std::string::npos ? text : text.substr(start + 1);
}

}  // namespace

ControlPlane::ControlPlane(const std::filesystem::path& audit_policy) : folder_(scratch_dir("cp")) {
  std::vector<std::string> start = {"start", folder_};
  if (!audit_policy.empty()) start.push_back(audit_policy);
  // On a machine that has nothing cached the binaries are built first.
  (void)script(start, 45min);
  kubectl_ = last_line(read_file(folder_ / "bin")) + "/kubectl";
}

ControlPlane::~ControlPlane() {
  try {
    (void)script({"stop", folder_}, 30s);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
  }
}

ControlPlane& ControlPlane::shared() {
  auto& slot = shared_slot();
  if (!slot) slot = std::make_unique<ControlPlane>();
  return *slot;
}

void ControlPlane::stop_shared() {
  shared_slot().reset();
}

std::string ControlPlane::script(const std::vector<std::string>& arguments,
                                 std::chrono::milliseconds timeout) const {
  std::vector<std::string> command = {source_dir() / "tests/support/controlplane/controlplane.sh"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_checked(command, {}, timeout);
}

void ControlPlane::install() {
  if (installed_) return;
  kubectl({"apply", "--server-side", "-k", source_dir() / "manifests"});
  kubectl({"wait", "--for=condition=Established", "crd/migrations.lockkeeper.dev",
           "crd/databases.lockkeeper.dev", "--timeout=30s"});
  installed_ = true;
}

std::string ControlPlane::create_namespace(bool opened) {
  static std::atomic<int> made{0};
  auto name = fmt::format("test-{}", ++made);
  kubectl({"create", "namespace", name});
  if (opened) {
    kubectl({"-n", name, "create", "rolebinding", "lockkeeper",
             "--clusterrole=lockkeeper-namespace",
             "--serviceaccount=lockkeeper-system:lockkeeper"});
  }
  return name;
}

ProcessResult ControlPlane::try_kubectl(const std::vector<std::string>& arguments,
                                        const std::string& input) const {
  std::vector<std::string> command = {kubectl_, "--kubeconfig", admin_kubeconfig(), "--cache-dir",
                                      folder_ / "kubectl-cache"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  ProcessOptions options;
  options.input = input;
  return run(command, options);
}

std::string ControlPlane::kubectl(const std::vector<std::string>& arguments,
                                  const std::string& input) const {
  auto result = try_kubectl(arguments, input);
  if (result.exit_code == 0) return std::move(result.output);
  throw std::runtime_error(fmt::format("kubectl {}: exit {}\n{}", fmt::join(arguments, " "),
                                       result.exit_code, result.output));
}

void ControlPlane::apply(const std::string& documents) const {
  kubectl({"apply", "--server-side", "--force-conflicts", "-f", "-"}, documents);
}

std::string ControlPlane::get(const std::string& ns, const std::string& object,
                              const std::string& jsonpath) const {
  return kubectl({"-n", ns, "get", object, "-o", "jsonpath=" + jsonpath});
}

std::string ControlPlane::read(const std::string& path) const {
  constexpr std::string_view good = "HTTP/1.0 200";
  if (!reader_ || !reader_->running()) {
    reader_port_ = free_port();
    reader_ = std::make_unique<Process>(
        std::vector<std::string>{kubectl_, "--kubeconfig", admin_kubeconfig(), "proxy",
                                 "--port=" + std::to_string(reader_port_)});
    (void)await([this] { return !http_get(reader_port_, "version", "1.0").empty(); });
  }
  const auto answer = http_get(reader_port_, path, "1.0");
  const auto body = answer.find("\r\n\r\n");
  if (!answer.starts_with(good) || body == std::string::npos) return {};
  return answer.substr(body + 4);
}

std::filesystem::path ControlPlane::operator_kubeconfig() const {
  return service_account_kubeconfig("lockkeeper-system", "lockkeeper");
}

std::filesystem::path ControlPlane::service_account_kubeconfig(const std::string& ns,
                                                               const std::string& name) const {
  auto path = scratch_dir("kubeconfig") / name;
  write_file(path, script({"token", folder_, ns, name}, 30s));
  return path;
}

int ControlPlane::port() const {
  return std::stoi(read_file(folder_ / "port"));
}

void ControlPlane::restart(const std::string& server) const {
  (void)script({"restart", folder_, server}, 120s);
}
void ControlPlane::halt(const std::string& server) const {
  (void)script({"halt", folder_, server}, 30s);
}
void ControlPlane::resume(const std::string& server) const {
  (void)script({"resume", folder_, server}, 120s);
}

std::string ControlPlane::audit_log() const {
  return read_file(folder_ / "audit.log");
}

std::string ControlPlane::server_log(const std::string& server) const {
  return read_file(folder_ / (server + ".log"));
}

}  // namespace lockkeeper::support
