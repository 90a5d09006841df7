#include <algorithm>
#include <charconv>

#include "operator/server/server.h"

namespace lockkeeper::server {
namespace {

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto end = std::min(path.find('/'), path.size());
    segments.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

// Undoes percent-encoding; false when it is malformed or hides a NUL.
bool decode(std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    if (i + 2 >= text.size()) return false;
    const char* first = text.data() + i + 1;
    const auto [end, error] = std::from_chars(first, first + 2, value, 16);
    if (error != std::errc{} || end != first + 2 || value == 0) return false;
    out += static_cast<char>(value);
    i += 2;
  }
  text = std::move(out);
  return true;
}

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

using Parameters = std::vector<std::pair<std::string, std::string>>;

bool match(const std::vector<std::string>& pattern, const std::vector<std::string>& path,
           Parameters& parameters) {
  if (pattern.size() != path.size()) return false;
  parameters.clear();
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (!is_parameter(pattern[i])) {
      if (pattern[i] != path[i]) return false;
      continue;
    }
    std::string value = path[i];
    if (!decode(value) || value.empty()) return false;
    parameters.emplace_back(pattern[i].substr(1, pattern[i].size() - 2), std::move(value));
  }
  return true;
}

}  // namespace

std::string_view Request::header(std::string_view lower_case_name) const {
  const auto found = std::ranges::find_if(
      headers, [&](const auto& header) { return header.first == lower_case_name; });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::string_view Request::parameter(std::string_view name) const {
  const auto found = std::ranges::find_if(
      parameters, [&](const auto& parameter) { return parameter.first == name; });
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

Routes& Routes::add(std::string method, const std::string& pattern, Handler handler) {
  routes_.push_back({std::move(method), split(pattern), std::move(handler)});
  return *this;
}

Response Routes::answer(const base::Context& ctx, Request& request) const {
  if (!request.path.starts_with('/')) return {.status = 400, .body = "bad path\n"};
  const auto path = split(request.path);
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  bool other_method = false;
  for (const Route& route : routes_) {
    Parameters parameters;
    if (!match(route.segments, path, parameters)) continue;
    if (route.method != method) {
      other_method = true;
      continue;
    }
    request.parameters = std::move(parameters);
    return route.handler(ctx, request);
  }
  if (other_method) return {.status = 405, .body = "method not allowed\n"};
  return {.status = 404, .body = "not found\n"};
}

}  // namespace lockkeeper::server
