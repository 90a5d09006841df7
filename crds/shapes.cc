#include "crds/shapes.h"

#include <algorithm>

#include "crds/duration.h"

namespace lockkeeper::crds::shapes {
namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool letter(char c) {
  return lower(c) || (c >= 'A' && c <= 'Z');
}
bool alnum(char c) {
  return letter(c) || digit(c);
}
bool one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

template <typename Predicate>
bool all(std::string_view text, Predicate accepts) {
  return std::all_of(text.begin(), text.end(), accepts);
}

bool is_dns_label(std::string_view text) {
  const auto edge = [](char c) { return lower(c) || digit(c); };
  return !text.empty() && edge(text.front()) && edge(text.back()) &&
         all(text, [edge](char c) { return edge(c) || c == '-'; });
}

bool is_object_name(std::string_view text) {
  while (true) {
    const std::size_t dot = text.find('.');
    if (!is_dns_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_label_name(std::string_view text) {
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    if (!is_object_name(text.substr(0, slash))) return false;
    text.remove_prefix(slash + 1);
  }
  return !text.empty() && alnum(text.front()) && alnum(text.back()) &&
         all(text, [](char c) { return alnum(c) || one_of(c, "-_."); });
}

bool is_secret_key(std::string_view text) {
  return !text.empty() && all(text, [](char c) { return alnum(c) || one_of(c, "-_."); });
}

bool is_plan_hash(std::string_view text) {
  return text.empty() || (text.size() == 64 &&
                          all(text, [](char c) { return digit(c) || (c >= 'a' && c <= 'f'); }));
}

bool is_word(std::string_view text) {
  return !text.empty() && letter(text.front()) && all(text, alnum);
}

bool is_url(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    return !text.empty() && all(text, [](char c) { return c > ' ' && c < '\x7f'; });
  }
  return false;
}

bool is_time_zone(std::string_view text) {
  return !text.empty() && letter(text.front()) &&
         all(text, [](char c) { return alnum(c) || one_of(c, "/_+-"); });
}

bool is_not_blank(std::string_view text) {
  return !all(text, [](char c) { return one_of(c, " \t\n\v\f\r"); });
}

bool is_duration(std::string_view text) {
  return parse_duration(text).has_value();
}

}  // namespace

const Shape object_name = {
    R"(^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$)", is_object_name,
    "the name of a Kubernetes object: lower-case letters, digits, '-' and '.'"};
const Shape label_name = {R"(^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?)"
                          R"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$)",
                          is_label_name, "a label key"};
const Shape secret_key = {R"(^[-._a-zA-Z0-9]+$)", is_secret_key, "a key of a Secret"};
const Shape plan_hash = {R"(^([0-9a-f]{64})?$)", is_plan_hash,
                         "the 64 hex digits that status.plan.hash shows"};
const Shape word = {R"(^[A-Za-z][A-Za-z0-9]*$)", is_word, "a word of letters and digits"};
const Shape url = {R"(^https?://[!-~]+$)", is_url, "an http or https URL"};
const Shape time_zone = {R"(^[A-Za-z][A-Za-z0-9/_+-]*$)", is_time_zone,
                         "a time zone such as Europe/Berlin"};
const Shape not_blank = {R"(\S)", is_not_blank, "more than spaces"};
const Shape duration = {R"(^([0-9]{1,12}(ms|s|m|h))+$)", is_duration,
                        "a duration such as 500ms, 10m or 72h30m"};

}  // namespace lockkeeper::crds::shapes
