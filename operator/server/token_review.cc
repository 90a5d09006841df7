// Who may read the metrics is asked of the API server, and remembered for a minute.
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "dbcore/base/mutex.h"
#include "operator/kube/client.h"
#include "operator/server/endpoints.h"

namespace lockkeeper::server {
namespace {

using kube::Json;

constexpr std::chrono::seconds remember{60};
constexpr std::chrono::seconds time_limit{5};
constexpr std::size_t most_remembered = 1'000;

const kube::Resource token_reviews{.group = "authentication.k8s.io",
                                   .version = "v1",
                                   .plural = "tokenreviews",
                                   .namespaced = false};
const kube::Resource access_reviews{.group = "authorization.k8s.io",
                                    .version = "v1",
                                    .plural = "subjectaccessreviews",
                                    .namespaced = false};

base::Error unauthorized() {
  return base::precondition("unauthorized").with_reason("Unauthorized");
}
base::Error forbidden() {
  return base::precondition("forbidden").with_reason("Forbidden");
}

// A member of status that is true.
bool status_flag(const Json& review, const char* name) {
  const auto status = review.find("status");
  if (status == review.end() || !status->is_object()) return false;
  const auto flag = status->find(name);
  return flag != status->end() && flag->is_boolean() && flag->get<bool>();
}

class Reviewer {
 public:
  explicit Reviewer(kube::Client& client) : client_(client) {}

  base::Result<void> operator()(const base::Context& ctx, const Request& request) {
    constexpr std::string_view scheme = "Bearer ";
    std::string_view authorization = request.header("authorization");
    if (!authorization.starts_with(scheme)) return unauthorized();
    authorization.remove_prefix(scheme.size());
    const std::string question = request.path + '\n' + std::string(authorization);
    const auto now = ctx.clock().now();
    if (const auto known = recall(question, now)) return *known;
    auto answer = ask(ctx.with_timeout(time_limit), std::string(authorization), request.path);
    // Only what the server decided is kept; that it was out of reach is not.
    const bool decided = answer.ok() || answer.error().reason == "Unauthorized" ||
                         answer.error().reason == "Forbidden";
    if (decided) keep(question, answer, now);
    return answer;
  }

 private:
  struct Verdict {
    base::Result<void> answer;
    base::Clock::Steady at{};
  };

  std::optional<base::Result<void>> recall(const std::string& question, base::Clock::Steady now) {
    const base::Lock lock(mutex_);
    const auto found = verdicts_.find(question);
    if (found == verdicts_.end() || now - found->second.at > remember) return std::nullopt;
    return found->second.answer;
  }

  void keep(const std::string& question, const base::Result<void>& answer,
            base::Clock::Steady now) {
    const base::Lock lock(mutex_);
    if (verdicts_.size() >= most_remembered) verdicts_.clear();
    verdicts_.insert_or_assign(question, Verdict{answer, now});
  }

  // What the API server says about our own right to ask is no verdict about the asker.
  base::Result<Json> review(const base::Context& ctx, const kube::Resource& resource,
                            const Json& question) {
    auto answer = client_.create(ctx, resource, "", question);
    if (answer.ok()) return answer;
    return base::unavailable("cannot ask the API server").with_detail(answer.error().text());
  }

  base::Result<void> ask(const base::Context& ctx, const std::string& token,
                         const std::string& path) {
    TRY(const Json reviewed, review(ctx, token_reviews,
                                    {{"apiVersion", "authentication.k8s.io/v1"},
                                     {"kind", "TokenReview"},
                                     {"spec", {{"token", token}}}}));
    if (!status_flag(reviewed, "authenticated")) return unauthorized();
    const Json user = reviewed["status"].value("user", Json::object());
    Json spec = {{"nonResourceAttributes", {{"path", path}, {"verb", "get"}}}};
    for (const char* name : {"uid", "groups", "extra"}) {
      if (user.contains(name)) spec[name] = user[name];
    }
    if (user.contains("username")) spec["user"] = user["username"];
    TRY(const Json allowed, review(ctx, access_reviews,
                                   {{"apiVersion", "authorization.k8s.io/v1"},
                                    {"kind", "SubjectAccessReview"},
                                    {"spec", std::move(spec)}}));
    if (!status_flag(allowed, "allowed")) return forbidden();
    return {};
  }

  kube::Client& client_;
  base::Mutex mutex_;
  std::unordered_map<std::string, Verdict> verdicts_ LK_GUARDED_BY(mutex_);
};

}  // namespace

Authorize token_review(kube::Client& client) {
  const auto reviewer = std::make_shared<Reviewer>(client);
  return [reviewer](const base::Context& ctx, const Request& request) {
    return (*reviewer)(ctx, request);
  };
}

}  // namespace lockkeeper::server
