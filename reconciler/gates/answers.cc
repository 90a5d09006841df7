#include "reconciler/gates/answers.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "reconciler/json_view.h"

namespace lockkeeper::reconcile {
namespace {

std::optional<double> number(const Json& sample) {
  if (!sample.is_array() || sample.size() != 2 || !sample[1].is_string()) return std::nullopt;
  const auto& text = sample[1].get_ref<const std::string&>();
  if (text == "+Inf") return HUGE_VAL;
  if (text == "-Inf") return -HUGE_VAL;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::optional<double>> samples(const Json& answer) {
  const Json& result = list_at(answer, {"data", "result"});
  const std::string type = text_at(answer, {"data", "resultType"});
  if (type == "scalar") return {number(result)};
  std::vector<std::optional<double>> out;
  if (type != "vector") return out;
  for (const Json& series : result) {
    const Json* value = member(series, {"value"});
    out.push_back(value == nullptr ? std::nullopt : number(*value));
  }
  return out;
}

Complaint judge_sample(std::optional<double> value, std::optional<double> min,
                       std::optional<double> max) {
  if (!value || std::isnan(*value)) return "the query gave no number";
  if (min && *value < *min) return fmt::format("{:g} is below the minimum of {:g}", *value, *min);
  if (max && *value > *max) return fmt::format("{:g} is above the maximum of {:g}", *value, *max);
  return {};
}

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

std::string host_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  std::string_view rest = url.substr(scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  const auto at = rest.rfind('@');
  if (at != std::string_view::npos) rest = rest.substr(at + 1);
  if (rest.starts_with('[')) return std::string(rest.substr(1, rest.find(']') - 1));
  return std::string(rest.substr(0, rest.find(':')));
}

}  // namespace

Complaint judge_status(const HttpProbeAnswer& answer, int expected) {
  if (answer.status == expected) return {};
  return fmt::format("answered {} instead of {}", answer.status, expected);
}

Complaint judge_prometheus(const HttpProbeAnswer& answer, std::optional<double> min,
                           std::optional<double> max) {
  if (answer.status != 200) return judge_status(answer, 200);
  const Json body = Json::parse(answer.body, nullptr, false);
  if (body.is_discarded() || text_at(body, {"status"}) != "success") {
    return "the answer is not Prometheus's";
  }
  const auto values = samples(body);
  if (values.empty()) return "the query gave no sample";
  for (const auto& value : values) {
    if (auto complaint = judge_sample(value, min, max); !complaint.empty()) return complaint;
  }
  return {};
}

std::string prometheus_url(std::string_view base, std::string_view query) {
  while (base.ends_with('/')) base.remove_suffix(1);
  std::string url = fmt::format("{}/api/v1/query?query=", base);
  for (const char c : query) {
    if (unreserved(c)) {
      url.push_back(c);
    } else {
      url += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return url;
}

bool is_refused_host(std::string_view url) {
  std::string host = host_of(url);
  for (char& c : host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (host.starts_with("::ffff:")) host = host.substr(7);
  if (host.starts_with("169.254.")) return true;
  // fe80::/10
  return host.size() > 4 && host[0] == 'f' && host[1] == 'e' && host[4] == ':' &&
         std::string_view("89ab").find(host[2]) != std::string_view::npos;
}

}  // namespace lockkeeper::reconcile
