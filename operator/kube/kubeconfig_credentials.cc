// Credentials from a kubeconfig: what stands in it, or what its exec plugin gives.
#include <utility>

#include "dbcore/base/mutex.h"
#include "operator/kube/exec_plugin.h"
#include "operator/kube/files.h"
#include "operator/kube/kubeconfig.h"
#include "operator/kube/timestamps.h"

namespace lockkeeper::kube {
namespace {

// What expires within this time is renewed.
constexpr std::chrono::seconds margin{30};

class KubeconfigCredentials final : public Credentials,
                                    public std::enable_shared_from_this<KubeconfigCredentials> {
 public:
  explicit KubeconfigCredentials(Kubeconfig config)
      : config_(std::move(config)), token_file_(config_.token_file) {
    if (!config_.ca_file.empty()) ca_file_ = std::make_shared<RotatedFile>(config_.ca_file);
  }

  [[nodiscard]] const std::string& server() const override { return config_.server; }
  [[nodiscard]] const std::string& ns() const override { return config_.ns; }

  [[nodiscard]] http::Tls tls() const override {
    http::Tls tls;
    tls.ca_pem = config_.ca_pem;
    if (ca_file_) tls.ca_source = ca_source(ca_file_);
    tls.verify = !config_.insecure;
    tls.server_name = config_.server_name;
    if (config_.identity || config_.exec) {
      tls.identity = [self = shared_from_this()] { return self->identity(); };
    }
    return tls;
  }

  base::Result<std::optional<std::string>> authorization(const base::Context& ctx) override {
    // As kubectl has it: the file is read first, a token in the text is what was true once.
    if (!config_.token_file.empty()) {
      TRY(const std::string token, token_file_.read(ctx.clock()));
      return std::optional<std::string>("Bearer " + token);
    }
    if (!config_.token.empty()) return std::optional<std::string>("Bearer " + config_.token);
    if (!config_.exec) return std::optional<std::string>();
    return plugin_authorization(ctx);
  }

  void reject() override {
    token_file_.reject();
    const base::Lock lock(mutex_);
    credential_.reset();
  }

 private:
  base::Result<std::optional<std::string>> plugin_authorization(const base::Context& ctx) {
    const base::Lock lock(mutex_);  // one plugin at a time; the others wait for its answer
    if (!credential_ || expired(ctx.clock().wall())) {
      TRY(credential_, run_exec_plugin(ctx, *config_.exec, config_));
    }
    if (credential_->token.empty()) return std::optional<std::string>();
    return std::optional<std::string>("Bearer " + credential_->token);
  }
  [[nodiscard]] bool expired(WallTime now) const LK_REQUIRES(mutex_) {
    return credential_->expires && *credential_->expires - margin <= now;
  }
  [[nodiscard]] std::optional<http::ClientIdentity> identity() const {
    if (config_.identity) return config_.identity;
    const base::Lock lock(mutex_);
    return credential_ ? credential_->identity : std::nullopt;
  }

  const Kubeconfig config_;
  RotatedFile token_file_;
  std::shared_ptr<RotatedFile> ca_file_;
  mutable base::Mutex mutex_;
  std::optional<ExecCredential> credential_ LK_GUARDED_BY(mutex_);
};

}  // namespace

base::Result<std::shared_ptr<Credentials>> kubeconfig_credentials(const KubeconfigChoice& choice) {
  TRY(Kubeconfig config, read_kubeconfig(choice));
  return std::shared_ptr<Credentials>(std::make_shared<KubeconfigCredentials>(std::move(config)));
}

}  // namespace lockkeeper::kube
