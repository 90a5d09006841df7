#include "crds/fields.h"

namespace lockkeeper::crds {

void Fields::text(std::string_view name, std::string& value, const Text& rule) {
  std::optional<std::string> maybe;
  if (rule.required || !value.empty()) maybe = value;
  text(name, maybe, rule);
  if (maybe) value = std::move(*maybe);
}

void Fields::boolean(std::string_view name, bool& value) {
  std::optional<bool> maybe = value;
  boolean(name, maybe);
  if (maybe) value = *maybe;
}

void Fields::duration(std::string_view name, std::chrono::milliseconds& value,
                      const Duration& rule) {
  std::optional<std::chrono::milliseconds> maybe = value;
  duration(name, maybe, rule);
  if (maybe) value = *maybe;
}

}  // namespace lockkeeper::crds
