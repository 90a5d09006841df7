#include "operator/http_probe.h"

#include <initializer_list>
#include <string_view>
#include <utility>

#include "operator/http/transport.h"

namespace lockkeeper::app {
namespace {

// host of "https://host:port/...", without the brackets of an IPv6 address.
std::string host_of(std::string_view url) {
  const auto scheme_end = url.find("://");
  if (scheme_end != std::string_view::npos) url.remove_prefix(scheme_end + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const auto user = url.rfind('@'); user != std::string_view::npos) url.remove_prefix(user + 1);
  if (url.starts_with('[')) return std::string(url.substr(1, url.find(']') - 1));
  return std::string(url.substr(0, url.find(':')));
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  for (const auto prefix : prefixes) {
    if (text.starts_with(prefix)) return true;
  }
  return false;
}

bool local_to_the_node(std::string_view address) {
  if (address.starts_with("::ffff:")) address.remove_prefix(7);  // IPv4 inside IPv6
  const bool ipv6 = address.find(':') != std::string_view::npos;
  if (!ipv6) return starts_with_any(address, {"127.", "169.254.", "0."});
  // fe80::/10, and the loopback and unspecified addresses.
  return address == "::1" || address == "::" ||
         starts_with_any(address, {"fe8", "fe9", "fea", "feb"});
}

}  // namespace

CheckProbe::CheckProbe(const std::string& api_server, const std::vector<std::string>& allowed)
    : api_server_(host_of(api_server)), allowed_(allowed.begin(), allowed.end()) {}

base::Result<void> CheckProbe::judge(const std::string& host, std::string_view address) const {
  if (allowed_.contains(host)) return {};
  const bool api_server = host == api_server_ || address == api_server_ ||
                          host == "kubernetes.default.svc" || host == "kubernetes.default";
  if (!api_server && !local_to_the_node(address)) return {};
  return base::precondition("host " + host + " is not one that a check may ask")
      .with_detail("it is the node itself, link-local or the API server")
      .with_hint("start the operator with --allow-check-host=" + host)
      .with_reason("CheckHostRefused");
}

base::Result<reconcile::HttpProbeAnswer> CheckProbe::get(
    const base::Context& ctx, const reconcile::HttpProbeRequest& request) {
  http::OneShot shot;
  shot.url = request.url;
  shot.ca_pem = request.ca_pem;
  shot.timeout = request.timeout;
  shot.max_body = std::size_t{1} << 20U;
  shot.allow = [this, host = host_of(request.url)](std::string_view address) {
    return judge(host, address);
  };
  for (const auto& [name, value] : request.headers) shot.headers.emplace_back(name, value);
  TRY(http::Response answer, http::get_once(ctx, shot));
  return reconcile::HttpProbeAnswer{.status = answer.status, .body = std::move(answer.body)};
}

}  // namespace lockkeeper::app
