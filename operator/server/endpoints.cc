#include "operator/server/endpoints.h"

#include <nlohmann/json.hpp>

namespace lockkeeper::server {
namespace {

Handler health(Check check) {
  return [check = std::move(check)](const base::Context&, const Request&) -> Response {
    const auto healthy = check();
    if (healthy.ok()) return {.status = 200, .body = "ok\n"};
    return {.status = 503, .body = healthy.error().text() + "\n"};
  };
}

int status_of(const base::Error& error) {
  if (error.reason == "Unauthorized") return 401;
  return error.reason == "Forbidden" ? 403 : 503;
}

}  // namespace

void add_health(Routes& routes, Check alive, Check ready) {
  routes.add("GET", "/healthz", health(alive));
  routes.add("GET", "/livez", health(std::move(alive)));
  routes.add("GET", "/readyz", health(std::move(ready)));
}

void add_page(Routes& routes, const Page& page, std::function<std::string()> text,
              Authorize authorize) {
  routes.add("GET", page.path,
             [type = page.content_type, text = std::move(text), authorize = std::move(authorize)](
                 const base::Context& ctx, const Request& request) -> Response {
               if (authorize) {
                 const auto allowed = authorize(ctx, request);
                 if (!allowed.ok()) {
                   return {.status = status_of(allowed.error()),
                           .body = allowed.error().message + "\n"};
                 }
               }
               return {.status = 200, .body = text(), .content_type = type};
             });
}

void add_metrics(Routes& routes, std::function<std::string()> text, Authorize authorize) {
  add_page(routes, {"/metrics", "text/plain; version=0.0.4; charset=utf-8"}, std::move(text),
           std::move(authorize));
}

void add_slow(Routes& routes, std::function<std::string()> json, Authorize authorize) {
  add_page(routes, {"/debug/slow", "application/json"}, std::move(json), std::move(authorize));
}

void add_gates(Routes& routes, AskGate ask) {
  routes.add("GET", "/gates/v1/{namespace}/{migration}/{condition}",
             [ask = std::move(ask)](const base::Context&, const Request& request) -> Response {
               const GateAnswer answer =
                   ask(request.parameter("namespace"), request.parameter("migration"),
                       request.parameter("condition"));
               nlohmann::ordered_json body = {{"ok", answer.ok}};
               if (!answer.reason.empty()) body["reason"] = answer.reason;
               if (!answer.message.empty()) body["message"] = answer.message;
               const auto replace = nlohmann::ordered_json::error_handler_t::replace;
               return {.status = answer.ok ? 200 : 503,
                       .body = body.dump(-1, ' ', false, replace) + "\n",
                       .content_type = "application/json"};
             });
}

}  // namespace lockkeeper::server
