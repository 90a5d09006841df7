#include "dbcore/plan/names.h"

#include <fmt/format.h>

#include "dbcore/plan/hash.h"
#include "dbcore/plan/plan.h"

namespace lockkeeper::plan {
namespace {

std::size_t at_character(std::string_view text, std::size_t length) {
  while (length > 0 && length < text.size() &&
         (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) {
    --length;
  }
  return length;
}

}  // namespace

std::string Names::next() {
  return fmt::format("_lk_{}_{}", id_, ++hidden_);
}

std::string Names::trigger() const {
  return "~lk_" + id_;
}

std::string Names::next_function() {
  return fmt::format("router_{}_{}", id_, ++functions_);
}

std::string object_name(std::string_view first, std::string_view second, std::string_view label) {
  const std::size_t room = sql::max_identifier_bytes - label.size() - 2;
  auto a = first.size();
  auto b = second.size();
  while (a + b > room) (a > b ? a : b) -= 1;
  return fmt::format("{}_{}_{}", first.substr(0, at_character(first, a)),
                     second.substr(0, at_character(second, b)), label);
}

std::string bounded(std::string_view text) {
  if (text.size() <= sql::max_identifier_bytes) return std::string(text);
  const auto keep = at_character(text, sql::max_identifier_bytes - 9);
  return fmt::format("{}_{}", text.substr(0, keep), sha256(text).substr(0, 8));
}

std::string rollout_id(const std::string& schema, const std::string& migration) {
  return sha256(schema + "\n" + migration).substr(0, 8);
}

}  // namespace lockkeeper::plan
