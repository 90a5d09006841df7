// The words of the plan's enumerations, one list each: JSON, text and parsing read them here.
// Pure, thread-safe.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "dbcore/plan/step.h"

namespace lockkeeper::plan {

template <typename E>
using Word = std::pair<E, std::string_view>;

template <typename E>
struct Words;

template <>
struct Words<Stage> {
  static constexpr std::array list = {
      Word<Stage>{Stage::expand, "expand"}, Word<Stage>{Stage::backfill, "backfill"},
      Word<Stage>{Stage::index, "index"},   Word<Stage>{Stage::validate, "validate"},
      Word<Stage>{Stage::verify, "verify"}, Word<Stage>{Stage::contract, "contract"}};
};

template <>
struct Words<LockMode> {
  static constexpr std::array list = {
      Word<LockMode>{LockMode::none, "none"},
      Word<LockMode>{LockMode::access_share, "ACCESS SHARE"},
      Word<LockMode>{LockMode::row_share, "ROW SHARE"},
      Word<LockMode>{LockMode::row_exclusive, "ROW EXCLUSIVE"},
      Word<LockMode>{LockMode::share_update_exclusive, "SHARE UPDATE EXCLUSIVE"},
      Word<LockMode>{LockMode::share, "SHARE"},
      Word<LockMode>{LockMode::share_row_exclusive, "SHARE ROW EXCLUSIVE"},
      Word<LockMode>{LockMode::exclusive, "EXCLUSIVE"},
      Word<LockMode>{LockMode::access_exclusive, "ACCESS EXCLUSIVE"}};
};

template <>
struct Words<DurationClass> {
  static constexpr std::array list = {
      Word<DurationClass>{DurationClass::metadata, "metadata"},
      Word<DurationClass>{DurationClass::scan, "scan"},
      Word<DurationClass>{DurationClass::batched, "batched"},
      Word<DurationClass>{DurationClass::index_build, "index build"},
      Word<DurationClass>{DurationClass::rewrite, "rewrite"}};
};

template <>
struct Words<Severity> {
  static constexpr std::array list = {Word<Severity>{Severity::notice, "notice"},
                                      Word<Severity>{Severity::hazard, "hazard"}};
};

template <>
struct Words<ActionKind> {
  static constexpr std::array list = {Word<ActionKind>{ActionKind::transaction, "transaction"},
                                      Word<ActionKind>{ActionKind::concurrently, "concurrently"},
                                      Word<ActionKind>{ActionKind::validate, "validate"}};
};

template <typename E>
constexpr std::string_view word_of(E value) {
  for (const auto& [known, text] : Words<E>::list) {
    if (known == value) return text;
  }
  return "unknown";
}

template <typename E>
constexpr std::optional<E> from_word(std::string_view word) {
  for (const auto& [known, text] : Words<E>::list) {
    if (text == word) return known;
  }
  return std::nullopt;
}

}  // namespace lockkeeper::plan
