#include "operator/kube/kubeconfig.h"

#include <yaml-cpp/yaml.h>

#include <set>

#include "operator/kube/files.h"

namespace lockkeeper::kube {
namespace {

base::Error at(std::string path, std::string message) {
  return base::invalid(std::move(message)).with_path(std::move(path));
}

// One mapping of the file, with the way to it.
class Section {
 public:
  Section(const YAML::Node& node, std::string path) : node_(node), path_(std::move(path)) {}

  [[nodiscard]] bool has(const std::string& key) const {
    return node_.IsMap() && node_[key].IsDefined() && !node_[key].IsNull();
  }
  [[nodiscard]] std::string path(const std::string& key) const {
    return path_.empty() ? key : path_ + "." + key;
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Section section(const std::string& key) const {
    return {has(key) ? node_[key] : YAML::Node(), path(key)};
  }
  [[nodiscard]] base::Result<std::string> text(const std::string& key) const {
    if (!has(key)) return std::string();
    if (!node_[key].IsScalar()) return at(path(key), "must be a string");
    return node_[key].Scalar();
  }
  [[nodiscard]] base::Result<bool> flag(const std::string& key) const {
    TRY(const std::string word, text(key));
    if (word.empty() || word == "false") return false;
    if (word == "true") return true;
    return at(path(key), "must be true or false");
  }
  [[nodiscard]] base::Result<std::vector<Section>> list(const std::string& key) const {
    std::vector<Section> items;
    if (!has(key)) return items;
    if (!node_[key].IsSequence()) return at(path(key), "must be a list");
    for (std::size_t i = 0; i < node_[key].size(); ++i) {
      items.emplace_back(node_[key][i], path(key) + "[" + std::to_string(i) + "]");
    }
    return items;
  }
  [[nodiscard]] base::Result<std::string> scalar() const {
    if (!node_.IsScalar()) return at(path_, "must be a string");
    return node_.Scalar();
  }
  // No key that is not among these, and none twice.
  [[nodiscard]] base::Result<void> only(const std::set<std::string>& known) const {
    std::set<std::string> seen;
    for (const auto& entry : node_) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
      if (!seen.insert(key).second) return at(path(key), "given twice");
      if (!known.contains(key)) return at(path(key), "not supported");
    }
    return {};
  }

 private:
  YAML::Node node_;
  std::string path_;
};

// One file of those that are merged.
struct Source {
  Section root;
  std::filesystem::path folder;
  std::string where;
};
// An entry, and the folder that its relative paths start at.
struct Entry {
  Section section;
  std::filesystem::path folder;
};

// The first item of a list such as clusters whose name is this one, its mapping under `key`.
base::Result<Entry> named(const std::vector<Source>& sources, const std::string& list,
                          const std::string& key, const std::string& name) {
  for (const Source& source : sources) {
    TRY(const auto items, source.root.list(list));
    for (const Section& item : items) {
      TRY(const std::string present, item.text("name"));
      if (present == name) return Entry{item.section(key), source.folder};
    }
  }
  return at(list, "nothing is named \"" + name + "\"");
}

// The bytes of NAME-data, else of the file that NAME names, relative to the kubeconfig.
base::Result<std::string> material(const Section& section, const std::string& key,
                                   const std::filesystem::path& folder) {
  TRY(const std::string data, section.text(key + "-data"));
  if (!data.empty()) {
    auto decoded = decode_base64(data);
    if (!decoded.ok()) return at(section.path(key + "-data"), "must be base64");
    return decoded;
  }
  TRY(const std::string file, section.text(key));
  if (file.empty()) return std::string();
  auto read = read_file(folder / file);
  if (!read.ok()) return std::move(read).error().with_path(section.path(key));
  return read;
}

base::Result<void> read_cluster(const Section& cluster, const std::filesystem::path& folder,
                                Kubeconfig& config) {
  TRY_OK(cluster.only({"server", "certificate-authority", "certificate-authority-data",
                       "insecure-skip-tls-verify", "tls-server-name", "extensions",
                       "disable-compression"}));
  TRY(config.server, cluster.text("server"));
  if (config.server.empty()) return at(cluster.path("server"), "must be set");
  TRY(config.ca_pem, material(cluster, "certificate-authority", folder));
  TRY(const std::string ca_file, cluster.text("certificate-authority"));
  if (!ca_file.empty() && !cluster.has("certificate-authority-data")) {
    config.ca_file = folder / ca_file;
  }
  TRY(config.insecure, cluster.flag("insecure-skip-tls-verify"));
  TRY(config.server_name, cluster.text("tls-server-name"));
  if (config.insecure && !config.ca_pem.empty()) {
    return at(cluster.path("insecure-skip-tls-verify"),
              "cannot be true beside a certificate authority");
  }
  return {};
}

base::Result<ExecPlugin> read_exec(const Section& exec, const std::filesystem::path& folder) {
  TRY_OK(exec.only({"apiVersion", "command", "args", "env", "installHint", "provideClusterInfo",
                    "interactiveMode"}));
  TRY(const std::string version, exec.text("apiVersion"));
  if (version != "client.authentication.k8s.io/v1" &&
      version != "client.authentication.k8s.io/v1beta1") {
    return at(exec.path("apiVersion"), "must be client.authentication.k8s.io/v1");
  }
  ExecPlugin plugin;
  plugin.folder = folder;
  plugin.api_version = version;
  TRY(plugin.command, exec.text("command"));
  if (plugin.command.empty()) return at(exec.path("command"), "must be set");
  TRY(const auto arguments, exec.list("args"));
  for (const Section& argument : arguments) {
    TRY(std::string text, argument.scalar());
    plugin.arguments.push_back(std::move(text));
  }
  TRY(const auto variables, exec.list("env"));
  for (const Section& variable : variables) {
    TRY(std::string name, variable.text("name"));
    TRY(std::string value, variable.text("value"));
    plugin.environment.emplace_back(std::move(name), std::move(value));
  }
  TRY(plugin.install_hint, exec.text("installHint"));
  TRY(plugin.provide_cluster_info, exec.flag("provideClusterInfo"));
  TRY(const std::string mode, exec.text("interactiveMode"));
  if (mode == "Always") return at(exec.path("interactiveMode"), "cannot be Always: nobody answers");
  return plugin;
}

base::Result<void> read_user(const Section& user, const std::filesystem::path& folder,
                             Kubeconfig& config) {
  TRY_OK(user.only({"client-certificate", "client-certificate-data", "client-key",
                    "client-key-data", "token", "tokenFile", "exec", "extensions"}));
  TRY(std::string certificate, material(user, "client-certificate", folder));
  TRY(std::string key, material(user, "client-key", folder));
  if (certificate.empty() != key.empty()) {
    return at(user.path(), "a client certificate and its key must come together");
  }
  if (!certificate.empty()) {
    config.identity = http::ClientIdentity{std::move(certificate), std::move(key)};
  }
  TRY(config.token, user.text("token"));
  TRY(const std::string token_file, user.text("tokenFile"));
  if (!token_file.empty()) config.token_file = folder / token_file;
  if (!user.has("exec")) return {};
  TRY(config.exec, read_exec(user.section("exec"), folder));
  return {};
}

base::Result<std::string> chosen_context(const std::vector<Source>& sources,
                                         const std::string& asked) {
  if (!asked.empty()) return asked;
  for (const Source& source : sources) {
    TRY(std::string name, source.root.text("current-context"));
    if (!name.empty()) return name;
  }
  return at("current-context", "must be set, or a context chosen");
}

base::Result<Kubeconfig> read_sources(const std::vector<Source>& sources,
                                      const std::string& asked) {
  TRY(const std::string name, chosen_context(sources, asked));
  TRY(const Entry found, named(sources, "contexts", "context", name));
  const Section& context = found.section;
  TRY_OK(context.only({"cluster", "user", "namespace", "extensions"}));
  Kubeconfig config;
  TRY(config.ns, context.text("namespace"));
  TRY(const std::string cluster_name, context.text("cluster"));
  TRY(const Entry cluster, named(sources, "clusters", "cluster", cluster_name));
  TRY_OK(read_cluster(cluster.section, cluster.folder, config));
  TRY(const std::string user_name, context.text("user"));
  if (user_name.empty()) return config;
  TRY(const Entry user, named(sources, "users", "user", user_name));
  TRY_OK(read_user(user.section, user.folder, config));
  return config;
}

base::Result<Source> read_source(const std::filesystem::path& path) {
  TRY(const std::string text, read_file(path));
  const std::string where = "kubeconfig " + path.string();
  try {
    const YAML::Node root = YAML::Load(text);
    if (!root.IsMap()) return base::invalid(where + " is not a mapping");
    return Source{Section(root, ""), std::filesystem::absolute(path).parent_path(), where};
  } catch (const YAML::Exception& e) {
    return base::invalid(where + " is not YAML").with_detail(e.what());
  }
}

base::Result<std::vector<Source>> read_files(const KubeconfigChoice& choice) {
  std::vector<std::filesystem::path> paths{choice.path};
  paths.insert(paths.end(), choice.more.begin(), choice.more.end());
  std::vector<Source> sources;
  for (const auto& path : paths) {
    std::error_code ignored;
    if (paths.size() > 1 && !std::filesystem::exists(path, ignored)) continue;
    TRY(Source source, read_source(path));
    sources.push_back(std::move(source));
  }
  if (!sources.empty()) return sources;
  return base::precondition("none of the files that KUBECONFIG names exists");
}

}  // namespace

base::Result<Kubeconfig> read_kubeconfig(const KubeconfigChoice& choice) {
  TRY(const auto sources, read_files(choice));
  std::string where = sources.front().where;
  if (sources.size() > 1) where += " and those after it";
  try {
    auto config = read_sources(sources, choice.context);
    if (!config.ok()) return std::move(config).error().within(where);
    return config;
  } catch (const YAML::Exception& e) {
    return base::invalid(where + " cannot be read").with_detail(e.what());
  }
}

}  // namespace lockkeeper::kube
