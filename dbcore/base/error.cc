#include "dbcore/base/error.h"

#include <utility>

namespace lockkeeper::base {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::precondition: return "precondition";
    case ErrorCode::invalid: return "invalid";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

std::string Error::text() const {
  std::string out;
  if (!path.empty()) out += path + ": ";
  out += message;
  if (!sqlstate.empty()) out += " (SQLSTATE " + sqlstate + ")";
  if (!detail.empty()) out += "; " + detail;
  if (!hint.empty()) out += "; hint: " + hint;
  return out;
}

Error Error::with_hint(std::string text) && {
  hint = std::move(text);
  return std::move(*this);
}

Error Error::with_detail(std::string text) && {
  detail = std::move(text);
  return std::move(*this);
}

Error Error::with_reason(std::string text) && {
  reason = std::move(text);
  return std::move(*this);
}

Error Error::with_path(std::string text) && {
  path = std::move(text);
  return std::move(*this);
}

Error Error::within(std::string_view context) && {
  message = std::string(context) + ": " + message;
  return std::move(*this);
}

namespace {
Error make(ErrorCode code, std::string message) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  return error;
}
}  // namespace

Error cancelled(std::string message) {
  return make(ErrorCode::cancelled, std::move(message));
}
Error unavailable(std::string message) {
  return make(ErrorCode::unavailable, std::move(message));
}
Error conflict(std::string message) {
  return make(ErrorCode::conflict, std::move(message));
}
Error precondition(std::string message) {
  return make(ErrorCode::precondition, std::move(message));
}
Error invalid(std::string message) {
  return make(ErrorCode::invalid, std::move(message));
}
Error internal(std::string message) {
  return make(ErrorCode::internal, std::move(message));
}

}  // namespace lockkeeper::base
