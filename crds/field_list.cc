#include "crds/field_list.h"

#include <fmt/format.h>

#include "crds/duration.h"

namespace lockkeeper::crds {

struct FieldLister::Level {
  std::string path;
  std::string facts;  // of the object or list itself
  int rules = 0;
  bool has_defaults = false;  // below, not counting lists
  bool takes_default = false;
};

namespace {

std::string enumeration(std::span<const std::string_view> names) {
  return fmt::format(" enum={}", fmt::join(names, ","));
}

std::string text_facts(const Text& rule) {
  std::string facts = "string";
  if (!rule.one_of.empty()) return facts + enumeration(rule.one_of);
  if (rule.min > 0) facts += fmt::format(" minLength={}", rule.min);
  facts += fmt::format(" maxLength={}", rule.max);
  if (rule.shape != nullptr) facts += fmt::format(" pattern={}", rule.shape->pattern);
  if (rule.bytes) facts += fmt::format(" rule=size(bytes(self)) <= {}", rule.max);
  return facts;
}

std::string list_facts(const List& rule) {
  std::string facts = "array";
  if (rule.min > 0) facts += fmt::format(" minItems={}", rule.min);
  facts += fmt::format(" maxItems={}", rule.max);
  if (rule.unique) facts += " set";
  return facts;
}

}  // namespace

FieldLister::FieldLister(std::string_view root) {
  levels_.push_back(Level{std::string(root), "object"});
}

FieldLister::~FieldLister() = default;

std::string FieldLister::path_of(std::string_view name) const {
  return fmt::format("{}.{}", levels_.back().path, name);
}

void FieldLister::add(std::string_view name, std::string facts) {
  fields_[path_of(name)] = std::move(facts);
}

void FieldLister::add_default(std::string& facts, std::string_view text) {
  facts += fmt::format(" default={}", text);
  levels_.back().has_defaults = true;
}

void FieldLister::text(std::string_view name, std::optional<std::string>& value, const Text& rule) {
  std::string facts = text_facts(rule);
  if (rule.required) {
    facts += " required";
  } else if (value && !value->empty()) {
    add_default(facts, *value);
  }
  add(name, std::move(facts));
}

void FieldLister::boolean(std::string_view name, std::optional<bool>& value) {
  std::string facts = "boolean";
  if (value.value_or(false)) add_default(facts, "true");
  add(name, std::move(facts));
}

void FieldLister::integer(std::string_view name, std::optional<std::int64_t>& value,
                          const Integer& rule) {
  std::string facts = fmt::format("integer minimum={}", rule.min);
  if (rule.max == std::numeric_limits<std::int32_t>::max()) {
    facts += " format=int32";
  } else if (rule.max != std::numeric_limits<std::int64_t>::max()) {
    facts += fmt::format(" maximum={}", rule.max);
  }
  const bool in_status = levels_.front().path == "status";
  if (rule.required) {
    facts += " required";
  } else if (value && (*value != 0 || !in_status)) {
    add_default(facts, std::to_string(*value));
  }
  add(name, std::move(facts));
}

void FieldLister::number(std::string_view name, std::optional<double>&) {
  add(name, "number");
}

void FieldLister::duration(std::string_view name, std::optional<std::chrono::milliseconds>& value,
                           const Duration& rule) {
  std::string facts =
      fmt::format("duration {}..{}", format_duration(rule.min), format_duration(rule.max));
  if (rule.required) {
    facts += " required";
  } else if (value) {
    add_default(facts, format_duration(*value));
  }
  add(name, std::move(facts));
}

void FieldLister::time(std::string_view name, std::optional<Time>&, Presence presence) {
  add(name, presence == Presence::required ? "time required" : "time");
}

void FieldLister::texts(std::string_view name, std::vector<std::string>&, const List& rule,
                        const Text& item) {
  add(name, list_facts(rule) + (rule.required ? " required" : ""));
  add(std::string(name) + "[]", text_facts(item));
}

void FieldLister::parameters(std::string_view name, Parameters&, const List& rule,
                             const Text& item) {
  add(name, fmt::format("parameters maxProperties={} maxLength={}", rule.max, item.max));
}

void FieldLister::choice(std::string_view name, std::optional<std::size_t>& value,
                         std::span<const std::string_view> names, Presence presence) {
  std::string facts = "string" + enumeration(names);
  if (presence == Presence::required) {
    facts += " required";
  } else if (value) {
    add_default(facts, names[*value]);
  }
  add(name, std::move(facts));
}

void FieldLister::check(bool, std::string_view, std::string_view) {
  ++levels_.back().rules;
}

bool FieldLister::enter(std::string_view name, bool present, Presence presence) {
  const bool required = presence == Presence::required;
  levels_.push_back(Level{path_of(name), required ? "object required" : "object", 0, false,
                          present && !required});
  return true;
}

void FieldLister::leave() {
  Level level = std::move(levels_.back());
  levels_.pop_back();
  if (level.takes_default && level.has_defaults) {
    level.facts += " default={}";
    levels_.back().has_defaults = true;
  }
  if (level.rules > 0) level.facts += fmt::format(" rules={}", level.rules);
  fields_[level.path] = std::move(level.facts);
}

std::size_t FieldLister::enter_list(std::string_view name, std::size_t, const List& rule) {
  levels_.push_back(Level{path_of(name), list_facts(rule) + (rule.required ? " required" : "")});
  return 1;
}

bool FieldLister::enter_item(std::size_t) {
  levels_.push_back(Level{levels_.back().path + "[]", "object"});
  return true;
}

void FieldLister::leave_list() {
  fields_[levels_.back().path] = std::move(levels_.back().facts);
  levels_.pop_back();
}

std::vector<std::size_t> FieldLister::alternatives(std::size_t,
                                                   std::span<const std::string_view> names) {
  ++levels_.back().rules;
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < names.size(); ++i) all.push_back(i);
  return all;
}

FieldList FieldLister::finish() {
  Level& root = levels_.front();
  if (root.rules > 0) root.facts += fmt::format(" rules={}", root.rules);
  fields_[root.path] = root.facts;
  return std::move(fields_);
}

}  // namespace lockkeeper::crds
