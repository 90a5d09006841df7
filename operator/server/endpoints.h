// The routes that the operator serves; each takes what it needs as functions, so that it can be
// tested without a cluster.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "dbcore/base/context.h"
#include "dbcore/base/result.h"
#include "operator/server/server.h"

namespace lockkeeper::kube {
class Client;
}

namespace lockkeeper::server {

// /healthz and /livez answer 200 while alive() is ok, /readyz while ready() is ok; else 503 with
// the error's text.
using Check = std::function<base::Result<void>()>;
void add_health(Routes& routes, Check alive, Check ready);

// A path that GET answers with text. authorize is asked first when it is set: its error becomes 401
// (no valid token: precondition with reason "Unauthorized"), 403 (reason "Forbidden") or 503 (any
// other).
using Authorize =
    std::function<base::Result<void>(const base::Context& ctx, const Request& request)>;
struct Page {
  std::string path{};
  std::string content_type{};
};
void add_page(Routes& routes, const Page& page, std::function<std::string()> text,
              Authorize authorize);
// /metrics.
void add_metrics(Routes& routes, std::function<std::string()> text, Authorize authorize);
// /debug/slow: the last slow statements as JSON.
void add_slow(Routes& routes, std::function<std::string()> json, Authorize authorize);

// The bearer token is asked of the API server (TokenReview), and whether its owner may GET the
// path (SubjectAccessReview, nonResourceAttributes); answers are kept for a minute. client must
// outlive it.
Authorize token_review(kube::Client& client);

// /gates/v1/{namespace}/{migration}/{condition}: 200 {"ok":true}, or 503 {"ok":false,"reason":...}.
// Read-only; whatever is not a clear yes is 503.
struct GateAnswer {
  bool ok = false;
  std::string reason{};   // CamelCase machine word
  std::string message{};  // for a person
};
using AskGate = std::function<GateAnswer(std::string_view ns, std::string_view migration,
                                         std::string_view condition)>;
void add_gates(Routes& routes, AskGate ask);

}  // namespace lockkeeper::server
