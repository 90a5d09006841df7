// HTTP status -> the caller's next move.
#include <nlohmann/json.hpp>

#include "operator/kube/client.h"

namespace lockkeeper::kube {
namespace {

struct ApiStatus {
  std::string message;
  std::string reason;
  std::string causes;  // "field: message; ..." of what validation refused
  int retry_after_seconds = 0;
};

std::string text_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

void read_details(const Json& details, ApiStatus& status) {
  if (const auto seconds = details.find("retryAfterSeconds");
      seconds != details.end() && seconds->is_number_integer()) {
    status.retry_after_seconds = seconds->get<int>();
  }
  const auto causes = details.find("causes");
  if (causes == details.end() || !causes->is_array()) return;
  for (const Json& cause : *causes) {
    if (!cause.is_object()) continue;
    if (!status.causes.empty()) status.causes += "; ";
    status.causes += text_member(cause, "field") + ": " + text_member(cause, "message");
  }
}

// The body is a Status object, or whatever a proxy in between had to say.
ApiStatus read_status(const std::string& body) {
  ApiStatus status;
  const Json parsed = Json::parse(body, nullptr, false);
  if (!parsed.is_object() || text_member(parsed, "kind") != "Status") {
    status.message = body.substr(0, 200);
    return status;
  }
  status.message = text_member(parsed, "message");
  status.reason = text_member(parsed, "reason");
  const auto details = parsed.find("details");
  if (details != parsed.end() && details->is_object()) read_details(*details, status);
  return status;
}

base::ErrorCode code_of(int status) {
  switch (status) {
    case 400: return base::ErrorCode::internal;  // we wrote a request that nobody understands
    case 401:
    case 403:
    case 404: return base::ErrorCode::precondition;
    case 409:
    case 410: return base::ErrorCode::conflict;
    case 413:
    case 422: return base::ErrorCode::invalid;
    case 408:
    case 429: return base::ErrorCode::unavailable;
    default: break;
  }
  return status >= 500 ? base::ErrorCode::unavailable : base::ErrorCode::internal;
}

std::string reason_of(int status) {
  switch (status) {
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "NotFound";
    case 409: return "Conflict";
    case 410: return "Expired";
    case 422: return "Invalid";
    case 429: return "TooManyRequests";
    case 503: return "ServiceUnavailable";
    case 504: return "Timeout";
    default: return "";
  }
}

// A JSON patch that does not fit the object as it is (a "test" that failed, a path that is not
// there) gets 422 with this message and nothing else. It is no fault of the object.
bool is_failed_test(int status, std::string_view method, const ApiStatus& answer) {
  return status == 422 && method == "PATCH" &&
         answer.message.starts_with(
             "the server rejected our request due to an error in our request");
}

}  // namespace

base::Error to_error(const http::Response& response, std::string_view method, std::string_view path,
                     std::chrono::system_clock::time_point now) {
  const ApiStatus answer = read_status(response.body);
  base::Error error;
  error.code = code_of(response.status);
  error.reason = answer.reason.empty() ? reason_of(response.status) : answer.reason;
  if (is_failed_test(response.status, method, answer)) {
    error.code = base::ErrorCode::precondition;
    error.reason = "PatchTestFailed";
  }
  const std::string status = std::to_string(response.status);
  error.message = answer.message.empty() ? "the API server answered " + status : answer.message;
  error.detail = std::string(method) + " " + std::string(path) + " answered " + status;
  if (!answer.causes.empty()) error.detail += "; " + answer.causes;
  error.retry_after = response.retry_after(now);
  if (!error.retry_after && answer.retry_after_seconds > 0) {
    error.retry_after = std::chrono::seconds{answer.retry_after_seconds};
  }
  return error;
}

bool is_not_found(const base::Error& error) {
  return error.reason == "NotFound";
}
bool is_already_exists(const base::Error& error) {
  return error.reason == "AlreadyExists";
}
bool is_forbidden(const base::Error& error) {
  return error.reason == "Forbidden";
}
bool is_expired(const base::Error& error) {
  return error.reason == "Expired" || error.reason == "Gone";
}
bool is_patch_test_failed(const base::Error& error) {
  return error.reason == "PatchTestFailed";
}

}  // namespace lockkeeper::kube
