#include "crds/reasons.h"

#include <array>

namespace lockkeeper::crds {
namespace {

struct Entry {
  std::string_view word;
  std::string_view meaning;
};

constexpr Entry entries[] = {
#define LK_REASON_ENTRY(name, word, meaning) {word, meaning},
    LK_REASONS(LK_REASON_ENTRY)
#undef LK_REASON_ENTRY
};

constexpr Reason reasons[] = {
#define LK_REASON_VALUE(name, word, meaning) Reason::name,
    LK_REASONS(LK_REASON_VALUE)
#undef LK_REASON_VALUE
};

}  // namespace

std::string_view to_string(Reason reason) {
  return entries[static_cast<std::size_t>(reason)].word;
}

std::string_view meaning(Reason reason) {
  return entries[static_cast<std::size_t>(reason)].meaning;
}

std::span<const Reason> all_reasons() {
  return reasons;
}

Reason reason_from(std::string_view word, Reason otherwise) {
  for (const Reason reason : reasons) {
    if (to_string(reason) == word) return reason;
  }
  return otherwise;
}

}  // namespace lockkeeper::crds
