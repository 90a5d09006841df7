// How schema lockkeeper came to its present form: numbered steps, each run once in one transaction.
// A step that was ever released is never edited; what follows is a new one at the end.
#pragma once

#include <span>
#include <string_view>

namespace lockkeeper::execute::journal {

// Statements of the step that leads from version n to n + 1; index 0 makes the first form.
std::span<const std::span<const std::string_view>> ledger_steps();

}  // namespace lockkeeper::execute::journal
